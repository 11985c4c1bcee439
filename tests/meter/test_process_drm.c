/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose the energy of a card is that the kernel drives: fdinfo as amdgpu, i915 and xe
 * write it (Documentation/gpu/drm-usage-stats.rst), in a tree of files. The machine
 * without its card draws nothing here; the card draws 10 W at rest.
 */
#include "program.h"

#include <math.h>

#include "meter/process_cards.h"

#define ROOT 100
#define CARD "0000:03:00.0"
#define IDLE_W 10.0

typedef struct books {
  tree t;
  fr_processes *processes;
  double t_s, energy_j;
} books;

static void process(const tree *t, int pid, int parent, const char *name) {
  char path[64], text[256];
  snprintf(path, sizeof path, "proc/%d/stat", pid);
  snprintf(text, sizeof text,
           "%d (%s) S %d 1 1 0 -1 0 0 0 0 0 10 0 0 0 20 0 1 0 5 0 0 \n", pid, name,
           parent);
  tree_write(t, path, text);
}

static void open_file(const tree *t, int pid, int file, const char *target) {
  char name[64], path[256];
  snprintf(name, sizeof name, "proc/%d/fd/unused", pid);
  tree_write(t, name, "");
  snprintf(name, sizeof name, "proc/%d/fd/%d", pid, file);
  tree_path(t, name, path);
  (void)unlink(path);
  assert_int_equal(symlink(target, path), 0);
}

static void info(const tree *t, int pid, int file, const char *text) {
  char name[64], path[256];
  snprintf(name, sizeof name, "proc/%d/fdinfo/%d", pid, file);
  tree_path(t, name, path);
  (void)unlink(path);
  tree_write(t, name, text);
}

static void amdgpu(const tree *t, int pid, int file, int client, double gfx_s,
                   double compute_s) {
  char text[512];
  snprintf(text, sizeof text,
           "pos:\t0\nflags:\t02100002\nmnt_id:\t23\nino:\t431\ndrm-driver:\tamdgpu\n"
           "drm-client-id:\t%d\ndrm-pdev:\t" CARD "\npasid:\t32771\n"
           "drm-memory-vram:\t8192 KiB\ndrm-engine-capacity-gfx:\t99999999999\n"
           "drm-engine-gfx:\t%.0f ns\ndrm-engine-compute:\t%.0f ns\n",
           client, gfx_s * 1e9, compute_s * 1e9);
  open_file(t, pid, file, "/dev/dri/renderD128");
  info(t, pid, file, text);
}

static void setup(books *b) {
  memset(b, 0, sizeof *b);
  tree_init(&b->t);
  tree_write(&b->t, "proc/stat", "cpu  1000 0 0 100 0 0 0 0 0 0\n");
  tree_write(&b->t, "sys/class/drm/renderD128/uevent", "");
  process(&b->t, 1, 0, "init");
  process(&b->t, ROOT, 1, "game");
  process(&b->t, 110, ROOT, "encoder");
  process(&b->t, 200, 1, "compositor");
  amdgpu(&b->t, ROOT, 5, 41, 7, 1); /* before metering */
  amdgpu(&b->t, 200, 12, 3, 900, 0);
}

static void second(books *b, double power_w) {
  b->t_s += 1;
  b->energy_j += power_w;
  const fr_card_energy told = {.card = CARD, .energy_j = b->energy_j};
  fr_processes_cards(b->processes, &told, 1);
  ASSERT_OK(fr_processes_sample(b->processes, b->t_s, b->energy_j, err));
}

/* Three seconds at rest, in which its power there is learnt. */
static void begin(books *b) {
  fr_processes_options options = fr_processes_default_options();
  options.root = b->t.root;
  ASSERT_OK(fr_processes_new(&options, ROOT, &b->processes, err));
  for (int i = 0; i < 3; i++)
    second(b, IDLE_W);
}

static fr_processes_report figures(books *b) {
  fr_processes_report r;
  ASSERT_OK(fr_processes_read(b->processes, joules(b->energy_j), &r, err));
  assert_near(r.program.value + r.other.value + r.idle.value + r.cards.value, b->energy_j,
              1e-9 * b->energy_j);
  return r;
}

static void finish(books *b) {
  fr_processes_free(b->processes);
  tree_release(&b->t);
}

/* 100 W above rest, two parts in three of it the game's; what was before is not. */
static void engines_time_shares_a_cards_energy(void **state) {
  (void)state;
  books b;
  setup(&b);
  begin(&b);
  amdgpu(&b.t, ROOT, 5, 41, 7.4, 1.2);
  amdgpu(&b.t, 200, 12, 3, 900.3, 0);
  second(&b, 110);
  fr_processes_report r = figures(&b);
  assert_near(row_named(&r, "game")->gpu_s, 0.6, 1e-6);
  assert_near(row_named(&r, "game")->energy.value, 200.0 / 3, 1e-4);
  assert_near(row_named(&r, "compositor")->energy.value, 100.0 / 3, 1e-4);
  assert_near(r.program.value, 200.0 / 3, 1e-4);
  assert_near(r.cards.value, 4 * IDLE_W, 1e-9);
  fr_processes_report_release(&r);
  finish(&b);
}

/* A descriptor that was copied, inherited or sent is the same client. */
static void a_client_counts_once(void **state) {
  (void)state;
  books b;
  setup(&b);
  begin(&b);
  amdgpu(&b.t, ROOT, 5, 41, 7.5, 1);
  amdgpu(&b.t, ROOT, 6, 41, 7.5, 1);
  amdgpu(&b.t, 110, 5, 41, 7.5, 1);
  second(&b, 110);
  second(&b, IDLE_W);
  fr_processes_report r = figures(&b);
  assert_near(r.program_gpu_s, 0.5, 1e-6);
  fr_processes_report_release(&r);
  finish(&b);
}

/* Opened while metered: all that it used since is new. */
static void a_client_that_is_new_counts_from_its_start(void **state) {
  (void)state;
  books b;
  setup(&b);
  begin(&b);
  amdgpu(&b.t, 110, 9, 77, 0.25, 0.5);
  second(&b, 110);
  fr_processes_report r = figures(&b);
  assert_near(row_named(&r, "encoder")->gpu_s, 0.75, 1e-6);
  assert_near(row_named(&r, "encoder")->energy.value, 100, 1e-4);
  fr_processes_report_release(&r);
  finish(&b);
}

/* Its holder ends and another goes on with it; less than before is no step back. */
static void a_client_goes_on_with_another_holder(void **state) {
  (void)state;
  books b;
  setup(&b);
  begin(&b);
  amdgpu(&b.t, 110, 5, 41, 7.5, 1);
  char path[256];
  tree_path(&b.t, "proc/100/fdinfo/5", path);
  assert_int_equal(unlink(path), 0);
  tree_path(&b.t, "proc/100/fd/5", path);
  assert_int_equal(unlink(path), 0);
  second(&b, 110); /* the file is gone */
  second(&b, 110); /* and is found elsewhere */
  amdgpu(&b.t, 110, 5, 41, 7.2, 1);
  second(&b, 110);
  amdgpu(&b.t, 110, 5, 41, 7.9, 1);
  second(&b, 110);
  fr_processes_report r = figures(&b);
  assert_near(r.program_gpu_s, 0.9, 1e-6);
  fr_processes_report_release(&r);
  finish(&b);
}

static void i915_and_xe_tell_it_too(void **state) {
  (void)state;
  static const char i915[] = "drm-driver: i915\ndrm-pdev:\t" CARD "\n"
                             "drm-client-id: 8\ndrm-engine-render: %d000000000 ns\n"
                             "drm-engine-video: %d000000000 ns\n"
                             "drm-engine-capacity-video: 2\n";
  static const char xe[] = "drm-driver: xe\ndrm-client-id: 9\ndrm-pdev: " CARD "\n"
                           "drm-cycles-rcs: %d\ndrm-total-cycles-rcs: %d\n";
  books b;
  setup(&b);
  char text[512];
  open_file(&b.t, ROOT, 7, "/dev/dri/card0");
  open_file(&b.t, 110, 3, "/dev/dri/renderD129");
  snprintf(text, sizeof text, i915, 1, 5);
  info(&b.t, ROOT, 7, text);
  snprintf(text, sizeof text, xe, 500, 100000);
  info(&b.t, 110, 3, text);
  begin(&b);
  snprintf(text, sizeof text, i915, 2, 6);
  info(&b.t, ROOT, 7, text);
  snprintf(text, sizeof text, xe, 500 + 4800, 100000 + 19200); /* a quarter of it */
  info(&b.t, 110, 3, text);
  second(&b, 110);
  fr_processes_report r = figures(&b);
  assert_near(row_named(&r, "game")->gpu_s, 2, 1e-6);
  assert_near(row_named(&r, "encoder")->gpu_s, 0.25, 1e-6);
  fr_processes_report_release(&r);
  finish(&b);
}

/* Files of others are not read, and files of cards may hold anything. */
static void anything_may_stand_in_a_file(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "drm-driver",
      "drm-driver: amdgpu\n",
      "drm-driver: amdgpu\ndrm-client-id: x\ndrm-engine-gfx: 9 ns\n",
      "drm-driver: a\ndrm-client-id: 1\ndrm-engine-gfx: 18446744073709551615 ns\n",
      "drm-driver: a\ndrm-client-id: 2\ndrm-engine-gfx: 99999999999999999999999 ns\n",
      "drm-driver: a\ndrm-client-id: 3\ndrm-engine-gfx: -5 ns\ndrm-engine-: 7 ns\n",
      "drm-driver: a\ndrm-client-id: 4\ndrm-engine-gfx: 1000000000\n",
      "drm-driver: \033[2J\ndrm-client-id: 5\ndrm-cycles-x: 9\ndrm-total-cycles-x: 0\n",
      ("drm-driver: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
       "drm-client-id: 6\ndrm-engine-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: 1 ns\n")};
  books b;
  setup(&b);
  begin(&b);
  for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++) {
    open_file(&b.t, 110, 20 + i, "/dev/dri/renderD128");
    info(&b.t, 110, 20 + i, texts[i]);
  }
  char many[8192] = "drm-driver: a\ndrm-client-id: 7\n";
  for (int i = 0; i < 200; i++)
    snprintf(many + strlen(many), sizeof many - strlen(many), "drm-engine-e%d: 1 ns\n",
             i);
  open_file(&b.t, 110, 50, "/dev/dri/renderD128");
  info(&b.t, 110, 50, many);
  open_file(&b.t, 110, 51, "/home/user/secret");
  info(&b.t, 110, 51,
       "drm-driver: amdgpu\ndrm-client-id: 99\ndrm-pdev: " CARD
       "\ndrm-engine-gfx: 1000000000 ns\n");
  for (int i = 0; i < 3; i++)
    second(&b, 110);
  fr_processes_report r = figures(&b);
  assert_true(r.program_gpu_s < 1e-6);
  assert_near(r.program.value, 0, 1e-9);
  fr_processes_report_release(&r);
  finish(&b);
}

/* Built-in graphics beside a card: one's GPU time is no claim on the other's energy. */
static void each_card_has_its_own_users(void **state) {
  (void)state;
  books b;
  setup(&b);
  begin(&b);
  open_file(&b.t, 110, 3, "/dev/dri/renderD129");
  info(&b.t, 110, 3,
       "drm-driver: i915\ndrm-pdev: 0000:00:02.0\ndrm-client-id: 5\n"
       "drm-engine-render: 900000000 ns\n");
  amdgpu(&b.t, ROOT, 5, 41, 7.1, 1);
  second(&b, 110);
  fr_processes_report r = figures(&b);
  assert_near(row_named(&r, "game")->energy.value, 100, 1e-4);
  assert_near(row_named(&r, "encoder")->energy.value, 0, 1e-9);
  assert_near(row_named(&r, "encoder")->gpu_s, 0.9, 1e-6);
  fr_processes_report_release(&r);
  finish(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(engines_time_shares_a_cards_energy),
      cmocka_unit_test(a_client_counts_once),
      cmocka_unit_test(a_client_that_is_new_counts_from_its_start),
      cmocka_unit_test(a_client_goes_on_with_another_holder),
      cmocka_unit_test(i915_and_xe_tell_it_too),
      cmocka_unit_test(anything_may_stand_in_a_file),
      cmocka_unit_test(each_card_has_its_own_users),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
