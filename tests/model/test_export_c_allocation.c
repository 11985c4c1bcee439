/* SPDX-License-Identifier: Apache-2.0 */
/* Wherever an allocation fails, integer inference and exported C say so and leave nothing
 * behind. The linker leads every allocation here. */
#include "../allocations.h"
#include "fixture.h"

#include "frugal/export.h"

enum { STEPS = 8, SAMPLES = 3 };

typedef struct work {
  fr_model model;
  float x[SAMPLES][STEPS * FIXTURE_CHANNELS];
  const float *at[SAMPLES];
  fr_int8 *int8;
  char path[FIXTURE_PATH * 2];
} work;

static enum fr_status quantize(work *w, fr_error *err) {
  fr_int8 *made = NULL;
  const enum fr_status status = fr_int8_new(w->model.net, w->at, SAMPLES, &made, err);
  assert_true((status == FR_OK) == (made != NULL));
  fr_int8_free(made);
  return status;
}

static enum fr_status export_float32(work *w, fr_error *err) {
  return fr_export_c(&w->model, NULL, w->path, NULL, err);
}

static enum fr_status export_int8(work *w, fr_error *err) {
  return fr_export_c(&w->model, w->int8, w->path, NULL, err);
}

/* Fails each allocation in turn; how many there are. */
static size_t fail_each(work *w, enum fr_status (*call)(work *w, fr_error *err)) {
  for (size_t n = 1;; n++) {
    fr_error err = {.text = ""};
    allocations = 0;
    fail_at = n;
    const enum fr_status status = call(w, &err);
    fail_at = 0;
    if (status == FR_OK)
      return n - 1;
    assert_int_equal(status, FR_ERR_MEMORY);
    assert_string_not_equal(err.text, "");
  }
}

static void make_work(work *w) {
  static const char net[] =
      "conv1d(4,3,pad=same) bn leaky residual(conv1d(6,3) gelu) bn "
      "parallel(lstm(3,all,both) | gru(3,all) | ) layernorm attention(1) maxpool(2) "
      "softmax gru(3,last,both) dense(classes)";
  w->model = fixture_model();
  fr_net_free(w->model.net);
  const fr_shape input = {.steps = STEPS, .channels = FIXTURE_CHANNELS};
  assert_int_equal(fr_net_new(net, input, FIXTURE_CLASSES, &w->model.net, NULL), FR_OK);
  fr_net_init(w->model.net, 7, 0);
  for (size_t i = 0; i < SAMPLES; i++) {
    for (size_t k = 0; k < STEPS * FIXTURE_CHANNELS; k++)
      w->x[i][k] = (float)((i + 3 * k) % 7) - 3;
    w->at[i] = w->x[i];
  }
  assert_int_equal(fr_int8_new(w->model.net, w->at, SAMPLES, &w->int8, NULL), FR_OK);
  snprintf(w->path, sizeof w->path, "%s/m.c", fixture_directory);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  static work w;
  make_work(&w);
  assert_true(fail_each(&w, quantize) > 100);
  assert_true(fail_each(&w, export_float32) > 30);
  assert_true(fail_each(&w, export_int8) > 20);
  unlink(w.path);
  w.path[strlen(w.path) - 1] = 'h';
  unlink(w.path);
  fr_int8_free(w.int8);
  fr_model_release(&w.model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("model/export_c_allocation", tests, fixture_setup,
                                     fixture_teardown);
}
