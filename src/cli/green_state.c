/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/green_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "cli/green_store.h"

#define STATE_CEILING ((size_t)32 << 20)
enum { FORMAT = 1 };

static const char *const phases[] = {"waiting", "running", "paused", "slurm"};

/* ---- the folder ---- */

/* The words, each with its NUL, and the folder that they mean paths of. */
static void name_of(char **command, char id[CLI_GREEN_ID]) {
  fr__hash hash;
  char *here = getcwd(NULL, 0);
  fr__hash_init(&hash, 0);
  for (size_t i = 0; command[i] != NULL; i++)
    fr__hash_add(&hash, command[i], strlen(command[i]) + 1);
  fr__hash_add(&hash, here != NULL ? here : "", here != NULL ? strlen(here) : 0);
  (void)snprintf(id, CLI_GREEN_ID, "%016llx", (unsigned long long)fr__hash_value(&hash));
  free(here);
}

/* Ours, and nobody else may look into it. */
static enum fr_status make_private(const char *folder, fr_error *err) {
  struct stat about;
  if (mkdir(folder, 0700) != 0 && errno != EEXIST)
    return fr__fail_errno(err, errno, "folder '%s' cannot be made", folder);
  if (lstat(folder, &about) != 0 || !S_ISDIR(about.st_mode) || about.st_uid != geteuid())
    return fr__fail(err, FR_ERR_PERMISSION, "'%s' is no folder of this user's", folder);
  if ((about.st_mode & 077) != 0 && chmod(folder, 0700) != 0)
    return fr__fail_errno(err, errno, "folder '%s' is open to others", folder);
  return FR_OK;
}

enum fr_status cli_green_root(bool make, char **out, fr_error *err) {
  char *base = fr__path_user("XDG_STATE_HOME", ".local/state");
  *out = base != NULL ? fr__path_join(base, "run") : NULL;
  enum fr_status status = FR_OK;
  if (*out == NULL)
    status = fr__fail(err, FR_ERR_NOT_FOUND,
                      "there is no place for the run's state: neither XDG_STATE_HOME nor "
                      "HOME is set");
  if (status == FR_OK && make)
    status = fr__dir_make(base, err);
  if (status == FR_OK && make)
    status = make_private(*out, err);
  free(base);
  return status;
}

/* A lock of this process's, which a fork does not take along and its end gives back; the
 * file may have been removed since by whoever had it. */
static enum fr_status lock_folder(cli_green_state *s, fr_error *err) {
  struct stat ours, there;
  char *path = fr__path_join(s->folder, "lock");
  enum fr_status status = FR_OK;
  do {
    if (s->lock >= 0)
      close(s->lock);
    status = make_private(s->folder, err);
    s->lock = status == FR_OK
                  ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
                  : -1;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (status == FR_OK && s->lock < 0)
      status = fr__fail_errno(err, errno, "'%s' cannot be opened", path);
    else if (status == FR_OK && fcntl(s->lock, F_SETLK, &lock) != 0)
      status = fr__fail(err, FR_ERR_ARGUMENT,
                        "another frugal run of this command line is at work (%s)", s->id);
  } while (status == FR_OK && (fstat(s->lock, &ours) != 0 || stat(path, &there) != 0 ||
                               ours.st_ino != there.st_ino));
  free(path);
  return status;
}

pid_t cli_green_owner(const char *folder) {
  char *path = fr__path_join(folder, "lock");
  const int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  const bool asked = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0;
  if (fd >= 0)
    close(fd);
  free(path);
  return asked && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

static int remove_one(const char *path, const struct stat *about, int kind,
                      struct FTW *place) {
  (void)about;
  (void)place;
  (void)(kind == FTW_DP ? rmdir(path) : unlink(path));
  return 0;
}

void cli_green_state_remove(cli_green_state *state) {
  (void)nftw(state->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void cli_green_state_release(cli_green_state *state) {
  if (state->lock >= 0)
    close(state->lock);
  free(state->folder);
  free(state->part);
  free(state->jobs);
  *state = (cli_green_state){.lock = -1};
}

char *cli_green_checkpoints(const cli_green_state *state) {
  return fr__path_join(state->folder, "checkpoint");
}

/* ---- reading ---- */

static enum fr_status grow(cli_green_state *s, fr_error *err) {
  if (s->count < s->room)
    return FR_OK;
  const size_t room = s->room > 0 ? 2 * s->room : 16;
  if (room > CLI_GREEN_PARTS)
    return fr__fail(err, FR_ERR_LIMIT, "a run has at most %d pieces", CLI_GREEN_PARTS);
  cli_green_part *grown = realloc(s->part, room * sizeof *grown);
  if (grown == NULL)
    return fr__fail_memory(err, "a run's pieces");
  s->part = grown;
  s->room = room;
  return FR_OK;
}

/* As nanoseconds they fit into 64 bits. */
static bool good_time(double t_s) { return t_s >= 0 && t_s < 9e9; }

static bool read_part(const json_t *row, cli_green_part *out) {
  *out = (cli_green_part){.start_s = json_number_value(json_object_get(row, "start_s")),
                          .end_s = json_number_value(json_object_get(row, "end_s")),
                          .worked_s = json_number_value(json_object_get(row, "worked_s")),
                          .energy = cli_measure_of(row, "energy", FR_UNIT_JOULE),
                          .lost = json_is_true(json_object_get(row, "lost"))};
  return good_time(out->start_s) && good_time(out->end_s) && out->worked_s >= 0 &&
         out->worked_s <= 1e9 && out->end_s >= out->start_s;
}

static bool read_parts(cli_green_state *s, const json_t *rows) {
  for (size_t i = 0; i < json_array_size(rows); i++) {
    if (grow(s, NULL) != FR_OK || !read_part(json_array_get(rows, i), &s->part[s->count]))
      return false;
    s->count++;
  }
  return json_is_array(rows);
}

bool cli_green_state_parse(cli_green_state *s, const json_t *whole) {
  const char *phase = json_string_value(json_object_get(whole, "state"));
  const char *jobs = json_string_value(json_object_get(whole, "slurm"));
  s->begun_s = json_integer_value(json_object_get(whole, "begun_s"));
  s->deadline_s = json_integer_value(json_object_get(whole, "deadline_s"));
  s->duration_s = json_number_value(json_object_get(whole, "duration_s"));
  s->energy = cli_measure_of(whole, "energy", FR_UNIT_JOULE);
  s->keeps = json_is_true(json_object_get(whole, "keeps"));
  s->jobs = jobs != NULL ? strdup(jobs) : NULL;
  s->closed = true;
  bool known = false;
  for (size_t i = 0; phase != NULL && i < sizeof phases / sizeof *phases; i++)
    if (strcmp(phase, phases[i]) == 0) {
      s->phase = (enum cli_green_phase)i;
      known = true;
    }
  return json_integer_value(json_object_get(whole, "format")) == FORMAT && known &&
         good_time((double)s->begun_s) && good_time((double)s->deadline_s) &&
         s->duration_s > 0 && s->duration_s <= 1e9 &&
         read_parts(s, json_object_get(whole, "parts"));
}

json_t *cli_green_read(const char *folder, fr_error *err) {
  char *path = fr__path_join(folder, "state.json"), *text = NULL;
  size_t size;
  json_t *whole = NULL;
  const enum fr_status status = fr__file_read(path, STATE_CEILING, &text, &size, err);
  if (status == FR_OK) {
    whole = json_loadb(text, size, 0, NULL);
    if (whole == NULL)
      fr__fail(err, FR_ERR_FORMAT, "'%s' is no state of a run; frugal run --forget %s",
               path, fr__path_name(folder));
  }
  free(text);
  free(path);
  return whole;
}

static enum fr_status load(cli_green_state *s, fr_error *err) {
  fr_error own = {0};
  json_t *whole = cli_green_read(s->folder, &own);
  if (whole == NULL && own.status == FR_ERR_NOT_FOUND)
    return FR_OK;
  s->found = whole != NULL && cli_green_state_parse(s, whole);
  json_decref(whole);
  if (s->found)
    return FR_OK;
  return fr__fail(err, FR_ERR_FORMAT,
                  "'%s/state.json' is no state of a run; frugal run --forget %s removes "
                  "it",
                  s->folder, s->id);
}

enum fr_status cli_green_state_open(cli_green_state *state, char **command,
                                    fr_error *err) {
  char *root = NULL;
  *state = (cli_green_state){
      .lock = -1, .command = command, .energy = fr_measure_absent(FR_UNIT_JOULE)};
  name_of(command, state->id);
  enum fr_status status = cli_green_root(true, &root, err);
  if (status == FR_OK) {
    state->folder = fr__path_join(root, state->id);
    status = state->folder != NULL ? lock_folder(state, err)
                                   : fr__fail_memory(err, "a run's folder");
  }
  if (status == FR_OK)
    status = load(state, err);
  free(root);
  if (status != FR_OK)
    cli_green_state_release(state);
  return status;
}

/* ---- writing ---- */

static json_t *words_of(char **command) {
  int count = 0;
  while (command[count] != NULL)
    count++;
  char *text = cli_json_argv(count, command);
  json_t *words = text != NULL ? json_loads(text, 0, NULL) : NULL;
  free(text);
  return words != NULL ? words : json_array();
}

static json_t *parts_of(const cli_green_state *s) {
  json_t *rows = json_array();
  for (size_t i = 0; i < s->count; i++) {
    const cli_green_part *p = &s->part[i];
    json_array_append_new(rows,
                          json_pack("{s:f, s:f, s:f, s:o, s:b}", "start_s", p->start_s,
                                    "end_s", p->end_s, "worked_s", p->worked_s, "energy",
                                    cli_json_measure(p->energy), "lost", p->lost));
  }
  return rows;
}

enum fr_status cli_green_state_save(const cli_green_state *state, fr_error *err) {
  char *here = getcwd(NULL, 0), *path = fr__path_join(state->folder, "state.json");
  json_t *folder = here != NULL ? json_string(here) : NULL;
  json_t *whole = json_pack(
      "{s:i, s:s, s:o, s:o, s:I, s:I, s:f, s:o, s:b, s:o}", "format", (int)FORMAT,
      "state", phases[state->phase], "command", words_of(state->command), "folder",
      folder != NULL ? folder : json_null(), "begun_s", (json_int_t)state->begun_s,
      "deadline_s", (json_int_t)state->deadline_s, "duration_s", state->duration_s,
      "energy", cli_json_measure(state->energy), "keeps", state->keeps, "parts",
      parts_of(state));
  if (state->jobs != NULL)
    json_object_set_new(whole, "slurm", json_string(state->jobs));
  char *text = json_dumps(whole, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
  const enum fr_status status = text != NULL && path != NULL
                                    ? fr__file_write(path, text, strlen(text), err)
                                    : fr__fail_memory(err, "a run's state");
  json_decref(whole);
  free(text);
  free(path);
  free(here);
  return status;
}

/* ---- parts ---- */

enum fr_status cli_green_part_begin(cli_green_state *state, double now_s, fr_error *err) {
  const enum fr_status status = grow(state, err);
  if (status == FR_OK)
    state->part[state->count++] = (cli_green_part){
        .start_s = now_s, .end_s = now_s, .energy = fr_measure_absent(FR_UNIT_JOULE)};
  state->closed = false;
  return status;
}

/* By the second, as files' times are. */
static double newest_in(const char *folder) {
  double newest_s = 0;
  struct stat about;
  DIR *open_folder = opendir(folder);
  for (const struct dirent *entry;
       open_folder != NULL && (entry = readdir(open_folder)) != NULL;)
    if (entry->d_name[0] != '.' &&
        fstatat(dirfd(open_folder), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0)
      newest_s = fmax(newest_s, (double)about.st_mtime);
  if (open_folder != NULL)
    closedir(open_folder);
  return newest_s;
}

bool cli_green_holds(const char *checkpoints) { return newest_in(checkpoints) > 0; }

void cli_green_mend(cli_green_state *state, const char *checkpoints) {
  if (state->count == 0 || state->phase != CLI_GREEN_RUNS)
    return;
  cli_green_part *last = &state->part[state->count - 1];
  const double end_s = newest_in(checkpoints);
  if (end_s <= last->end_s)
    return;
  last->worked_s += end_s - last->end_s;
  last->end_s = end_s;
  last->energy = fr_measure_absent(FR_UNIT_JOULE);
}

/* Whether a part goes on where the one before ended. */
static bool adjoins(const cli_green_state *s, size_t i) {
  return i > 0 && s->part[i].lost == s->part[i - 1].lost &&
         s->part[i].start_s - s->part[i - 1].end_s < 1e-3;
}

double cli_green_worked_s(const cli_green_state *state, double resume_s) {
  double sum_s = 0;
  size_t pieces = 0;
  for (size_t i = 0; i < state->count; i++) {
    if (state->part[i].lost)
      continue;
    sum_s += state->part[i].worked_s;
    pieces += !adjoins(state, i);
  }
  return fmax(sum_s - (pieces > 1 ? (double)(pieces - 1) * resume_s : 0), 0);
}

void cli_green_lose(cli_green_state *state) {
  for (size_t i = 0; i < state->count; i++)
    state->part[i].lost = true;
}

static json_t *piece_of(const cli_green_part *from, const cli_green_part *to,
                        fr_measure energy) {
  char start[FR__TIME_TEXT], end[FR__TIME_TEXT];
  fr__time_format((int64_t)(from->start_s * 1e9), start);
  fr__time_format((int64_t)(to->end_s * 1e9), end);
  return json_pack("{s:s, s:s, s:f, s:o, s:b}", "start", start, "end", end, "duration_s",
                   to->end_s - from->start_s, "energy", cli_json_measure(energy), "lost",
                   from->lost);
}

size_t cli_green_pieces(const cli_green_state *state, json_t *into) {
  size_t pieces = 0;
  for (size_t i = 0, end; i < state->count; i = end) {
    const cli_green_part *first = &state->part[i];
    fr_measure energy = first->energy;
    for (end = i + 1; end < state->count && adjoins(state, end); end++)
      energy = fr_measure_add(energy, state->part[end].energy);
    pieces++;
    if (into != NULL)
      json_array_append_new(into, piece_of(first, &state->part[end - 1], energy));
  }
  return pieces;
}
