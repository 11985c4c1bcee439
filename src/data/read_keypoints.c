/* SPDX-License-Identifier: Apache-2.0 */
/* keypoints: files of MediaPipe's key points in the layouts that people keep them in. */
#include "data/read_keypoints.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/files.h"
#include "data/keypoints.h"

#define RATE_HZ 30.0
#define FOLDER_DEPTH 64 /* components of a path that names are made of, at most */
#define NAME_CEILING ((size_t)255) /* bytes of a sign, sequence or signer */

/* ---- what the layouts share ---- */

bool fr__gestures_want(const fr__gestures *g, const char *sign, size_t length) {
  char text[NAME_CEILING + 1];
  if (g->signs == NULL || length > NAME_CEILING)
    return g->signs == NULL;
  memcpy(text, sign, length);
  text[length] = '\0';
  return fr__list_has(g->signs, text);
}

enum fr_status fr__gestures_width(fr__gestures *g, const char *name, size_t width,
                                  fr_error *err) {
  enum fr_keypoint_layout layout;
  if (g->width == width)
    return FR_OK;
  if (g->width != 0)
    return fr__fail(err, FR_ERR_FORMAT, "%s: frames of %zu numbers, others have %zu",
                    name, width, g->width);
  if (!fr_keypoint_layout_of(width, &layout))
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s: frames of %zu numbers are no key points: 42, 63, 126, 258 or "
                    "1662",
                    name, width);
  g->width = width;
  return fr_keypoint_names(layout, &g->builder.data->channels, err);
}

static enum fr_status add_name(fr_names *names, const char *name, size_t length,
                               uint32_t *index, fr_error *err) {
  if (length > NAME_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "'%.40s...': a name of more than %zu bytes", name,
                    NAME_CEILING);
  return fr__names_add(names, name, length, index, err);
}

/* "0", or "signer-1/0" where files of one signer each have one. */
static enum fr_status add_sequence(fr_names *trials, const fr__gesture *what,
                                   uint32_t *index, fr_error *err) {
  char text[FR__WHO_ROOM + NAME_CEILING + 2];
  if (what->who->apart[0] == '\0' || what->sequence_length > NAME_CEILING)
    return add_name(trials, what->sequence, what->sequence_length, index, err);
  const int length = snprintf(text, sizeof text, "%s/%.*s", what->who->apart,
                              (int)what->sequence_length, what->sequence);
  return fr__names_add(trials, text, (size_t)length, index, err);
}

enum fr_status fr__gestures_about(fr__gestures *g, const fr__gesture *what,
                                  fr_record *about, fr_error *err) {
  fr_dataset *const data = g->builder.data;
  const char *const signer = what->who->signer;
  enum fr_status status =
      add_name(&data->subjects, signer, strlen(signer), &about->subject, err);
  if (status == FR_OK)
    status =
        add_name(&data->activities, what->sign, what->sign_length, &about->activity, err);
  return status == FR_OK ? add_sequence(&data->trials, what, &about->trial, err) : status;
}

/* ---- arrays ---- */

/* One row of numbers deep enough in folders to be a frame. */
static bool is_frame(const char *name, const fr__npy *npy) {
  const char *const slash = strchr(name, '/');
  return npy->dimensions == 1 || (npy->dimensions == 2 && npy->shape[0] == 1 &&
                                  slash != NULL && strchr(slash + 1, '/') != NULL);
}

static enum fr_status read_array(void *self, const char *name, char *bytes, size_t size,
                                 fr_error *err) {
  fr__gestures *const g = self;
  fr__npy npy;
  if (!fr__name_ends(name, ".npy"))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%s' is no .npy or .csv file, no zip and no folder", name);
  const fr__beside *const index = fr__gestures_beside(g, name, ".npy", FR__INDEX);
  const enum fr_status status = fr__npy_init(&npy, name, bytes, size, err);
  if (status != FR_OK)
    return status;
  if (index != NULL)
    return fr__gestures_packed(g, name, &npy, index, err);
  if (is_frame(name, &npy))
    return fr__gestures_frame(g, name, &npy, err);
  if (npy.dimensions == 2)
    return fr__gestures_sequence(g, name, &npy, err);
  return fr__fail(err, FR_ERR_NOT_FOUND,
                  "%s: there is no '%.*s" FR__INDEX
                  "' beside it to say what its rows are",
                  name, (int)(strlen(name) - strlen(".npy")), name);
}

static bool is_array(void *self, const char *name) {
  (void)self;
  return fr__name_ends(name, ".npy");
}

/* ---- tables ---- */

static bool is_table(void *self, const char *name) {
  (void)self;
  return fr__name_ends(name, ".csv") && !fr__is_index(name) && !fr__is_label_list(name);
}

static enum fr_status read_table(void *self, const char *name, char *text, size_t size,
                                 fr_error *err) {
  return fr__gestures_shapes(self, name, text, size, err);
}

/* ---- paths ---- */

/* Where `end` (of the path) begins without its last component; 0: it has but one. */
static size_t cut_last(const char *path, size_t end) {
  while (end > 0 && path[end - 1] != '/')
    end--;
  return end > 0 ? end - 1 : 0;
}

static bool ends_in_mp_data(const char *path, size_t end) {
  const size_t from = cut_last(path, end);
  return end > from && fr__is_mp_data(path + from + 1, end - from - 1);
}

/* The folder (or archive) that a path is of, which names whose it is: without a file's
 * name, ".zip" and "MP_Data"; the caller's (free). */
static char *folder_of(const char *path) {
  char *const real = realpath(path, NULL);
  if (real == NULL)
    return NULL;
  size_t end = strlen(real);
  if (fr__name_ends(real, ".zip"))
    end -= strlen(".zip");
  else if (fr__name_ends(real, ".npy") || fr__name_ends(real, ".csv"))
    end = cut_last(real, end);
  while (ends_in_mp_data(real, end))
    end = cut_last(real, end);
  real[end] = '\0';
  return real;
}

/* The last `parts` components. */
static const char *tail_of(const char *path, size_t parts) {
  size_t at = strlen(path);
  for (; parts > 0 && at > 0; parts--)
    at = cut_last(path, at);
  return path + at + (path[at] == '/');
}

static bool tails_differ(const fr_names *folders, size_t parts) {
  for (size_t i = 0; i < folders->count; i++)
    for (size_t j = 0; j < i; j++)
      if (strcmp(tail_of(folders->name[i], parts), tail_of(folders->name[j], parts)) == 0)
        return false;
  return true;
}

/* ---- the spec ---- */

typedef struct asked {
  double rate_hz;
  int64_t window; /* 0: as long as most sequences */
  fr__keypoints_asked frames;
  fr_names paths;
  fr_names folders; /* of the paths, each once */
  size_t parts;     /* of a folder's path that tell it from the others */
} asked;

static enum fr_status read_signer(const fr__spec *spec, enum fr__signer_rule *out,
                                  fr_error *err) {
  static const char *const names[] = {[FR__SIGNER_FOLDER] = "dir",
                                      [FR__SIGNER_FILE] = "file",
                                      [FR__SIGNER_NONE] = "none"};
  const char *const text = fr__spec_value(spec, "signer");
  *out = FR__SIGNER_USUAL;
  for (size_t i = 1; text != NULL && i < sizeof names / sizeof *names; i++)
    if (strcmp(text, names[i]) == 0)
      *out = (enum fr__signer_rule)i;
  return text == NULL || *out != FR__SIGNER_USUAL
             ? FR_OK
             : fr__fail(err, FR_ERR_ARGUMENT, "signer: '%s' is not dir, file or none",
                        text);
}

static enum fr_status find_folders(asked *a, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < a->paths.count && status == FR_OK; i++) {
    char *const folder = folder_of(a->paths.name[i]);
    status = folder != NULL
                 ? fr__names_add(&a->folders, folder, strlen(folder), NULL, err)
                 : fr__fail_errno(err, errno, "'%s'", a->paths.name[i]);
    free(folder);
  }
  for (a->parts = 1; a->parts < FOLDER_DEPTH && !tails_differ(&a->folders, a->parts);)
    a->parts++;
  return status;
}

static enum fr_status read_options(const fr__spec *spec, fr__gestures *g, asked *a,
                                   fr_error *err) {
  g->signs = fr__spec_value(spec, "signs");
  enum fr_status status = read_signer(spec, &g->signer, err);
  if (status == FR_OK)
    status = fr__keypoints_ask(spec, &a->frames, err);
  if (status == FR_OK)
    status = fr__spec_number(spec, "rate", 0.1, 1000, RATE_HZ, &a->rate_hz, err);
  if (status == FR_OK)
    status = fr__spec_integer(spec, "window", 1, 1000000, 0, &a->window, err);
  if (status == FR_OK)
    status = fr__spec_paths(spec, &a->paths, err);
  return status == FR_OK ? find_folders(a, err) : status;
}

static void release_asked(asked *a) {
  fr_names_release(&a->paths);
  fr_names_release(&a->folders);
}

/* ---- reading ---- */

/* Says of which path the sentence is, where there are several. */
static enum fr_status name_path(enum fr_status status, const char *path, fr_error *err) {
  if (err == NULL || strstr(err->text, path) != NULL)
    return status;
  const fr_error inner = *err;
  return fr__fail(err, status, "'%s': %s", path, inner.text);
}

/* All files of one way to keep key points. */
static enum fr_status read_files(fr__gestures *g, const char *path,
                                 const fr__visitor *visitor, bool single,
                                 const fr_data_options *options, fr_error *err) {
  const bool others = g->builder.data->count > 0;
  g->records = 0;
  enum fr_status status = fr__files_each(path, visitor, options, err);
  if (status == FR_OK)
    status = fr__gestures_end(g, err);
  if (status != FR_OK || g->records == 0)
    return status;
  if (others && g->single != single)
    return fr__fail(err, FR_ERR_ARGUMENT, "single frames do not go with sequences");
  g->single = single;
  return FR_OK;
}

/* Tables are read where there are no arrays. */
static enum fr_status read_path(fr__gestures *g, const char *path,
                                const fr_data_options *options, fr_error *err) {
  const fr__visitor arrays = {.self = g, .wanted = is_array, .file = read_array};
  const fr__visitor tables = {.self = g, .wanted = is_table, .file = read_table};
  const bool table = g->named = fr__name_ends(path, ".csv");
  enum fr_status status = fr__gestures_look_beside(g, path, err);
  if (status == FR_OK && !table)
    status = read_files(g, path, &arrays, false, options, err);
  if (status == FR_OK && (table || g->records == 0))
    status = read_files(g, path, &tables, true, options, err);
  fr__gestures_forget_beside(g);
  return status;
}

static enum fr_status read_paths(fr__gestures *g, const asked *a,
                                 const fr_data_options *options, fr_error *err) {
  const bool several = a->paths.count > 1; /* each of which begins anew */
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < a->paths.count && status == FR_OK; i++) {
    const char *const path = a->paths.name[i];
    char *const folder = folder_of(path);
    if (folder == NULL)
      return fr__fail_errno(err, errno, "'%s'", path);
    g->place = tail_of(folder, a->parts);
    g->several = several;
    status = read_path(g, path, several ? NULL : options, err);
    if (status != FR_OK && several)
      status = name_path(status, path, err);
    free(folder);
  }
  return status;
}

/* ---- what is made of it ---- */

static enum fr_status check_signs(const fr__gestures *g, const fr_names *signs,
                                  fr_error *err) {
  const char *list = g->signs, *item = NULL;
  size_t length = 0;
  while (list != NULL && fr__list_next(&list, &item, &length)) {
    char *const one = strndup(item, length);
    bool found = false;
    if (one == NULL)
      return fr__fail_memory(err, "signs");
    for (size_t i = 0; i < signs->count && !found; i++)
      found = fr__list_has(one, signs->name[i]);
    free(one);
    if (!found)
      return fr__fail(err, FR_ERR_NOT_FOUND, "signs: '%.*s' is none of the data's",
                      (int)length, item);
  }
  return FR_OK;
}

/* Records are in the order of person, trial and activity: two of one name are
 * neighbours. */
static enum fr_status check_twice(const fr_dataset *data, fr_error *err) {
  for (size_t i = 1; i < data->count; i++) {
    const fr_record *const a = &data->record[i - 1], *const b = &data->record[i];
    if (a->subject == b->subject && a->trial == b->trial && a->activity == b->activity)
      return fr__fail(err, FR_ERR_FORMAT, "sequence '%s' of '%s' by '%s' is there twice",
                      data->trials.name[b->trial], data->activities.name[b->activity],
                      data->subjects.name[b->subject]);
  }
  return FR_OK;
}

static int by_size(const void *a, const void *b) {
  const size_t x = *(const size_t *)a, y = *(const size_t *)b;
  return (x > y) - (x < y);
}

/* The steps that most records have; of several such numbers the greatest. */
static enum fr_status usual_steps(const fr_dataset *data, size_t *out, fr_error *err) {
  size_t *const steps = malloc(data->count * sizeof *steps), most = 0;
  if (steps == NULL)
    return fr__fail_memory(err, "sequences");
  for (size_t i = 0; i < data->count; i++)
    steps[i] = data->record[i].steps;
  qsort(steps, data->count, sizeof *steps, by_size);
  for (size_t from = 0, to; from < data->count; from = to) {
    for (to = from + 1; to < data->count && steps[to] == steps[from];)
      to++;
    if (to - from >= most) {
      most = to - from;
      *out = steps[from];
    }
  }
  free(steps);
  return FR_OK;
}

/* Keys that only sequences have. */
static enum fr_status check_single(const fr__spec *spec, fr_error *err) {
  static const char *const none[] = {"rate", "window"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    if (fr__spec_value(spec, none[i]) != NULL)
      return fr__fail(err, FR_ERR_ARGUMENT, "%s: single frames have none", none[i]);
  return FR_OK;
}

/* Raw records become what was asked for; *data is replaced. */
static enum fr_status finish(const fr__spec *spec, const asked *a,
                             const fr_data_options *options, fr_dataset **data,
                             fr_error *err) {
  size_t window = (size_t)a->window;
  const bool single = (*data)->rate_hz == 0;
  enum fr_status status = single ? check_single(spec, err) : check_twice(*data, err);
  if (status == FR_OK && window == 0)
    status = usual_steps(*data, &window, err);
  if (status == FR_OK)
    status = fr__keypoints_make(spec, &a->frames, options, data, err);
  if (status != FR_OK)
    return status;
  (*data)->window = single ? 0 : window;
  (*data)->digest = fr__dataset_digest(*data);
  return FR_OK;
}

/* Single frames have no rate: each is what another network calls a feature vector. */
static void set_times(const fr__gestures *g, double rate_hz) {
  fr_dataset *const data = g->builder.data;
  data->rate_hz = g->single ? 0 : rate_hz;
  for (size_t i = 0; i < data->count && !g->single; i++)
    data->record[i].span_s = (double)data->record[i].steps / rate_hz;
}

static enum fr_status read_keypoints(const fr__spec *spec, const fr_data_options *options,
                                     fr_dataset **out, fr_error *err) {
  fr__gestures g = {0};
  asked a = {0};
  fr_dataset *data = NULL;
  enum fr_status status = read_options(spec, &g, &a, err);
  if (status == FR_OK)
    status = fr__builder_init(&g.builder, "keypoints", "trial", spec->whole, 0, err);
  if (status == FR_OK)
    status = read_paths(&g, &a, options, err);
  if (status == FR_OK) {
    set_times(&g, a.rate_hz);
    status = check_signs(&g, &g.builder.data->activities, err);
  }
  if (status == FR_OK)
    status = fr__builder_finish(&g.builder, &data, err);
  if (status == FR_OK)
    status = finish(spec, &a, options, &data, err);
  fr__gestures_release_frames(&g);
  fr__builder_release(&g.builder);
  release_asked(&a);
  if (status == FR_OK)
    *out = data;
  else
    fr_data_free(data);
  return status;
}

static bool is_wanted(void *self, const char *name) {
  return is_array(self, name) || fr__name_ends(name, ".csv");
}

/* Those of fr__keypoints_keys among them. */
static const char *const keys[] = {
    "signs", "signer", "rate",     "features", "no_sign", "shifted", "window", "seed",
    "parts", "mirror", "velocity", "aspect",   "shape",   "depth",   "hold",   NULL};

const fr__reader fr__reader_keypoints = {.kind = "keypoints",
                                         .keys = keys,
                                         .path = true,
                                         .paths = fr__spec_paths,
                                         .fresh = true,
                                         .task = FR_TASK_GESTURE,
                                         .read = read_keypoints,
                                         .wanted = is_wanted};
