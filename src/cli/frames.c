/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "data/keypoints.h"

#define VALUE_MOST 64 /* bytes: longer is none of the values of fr_keypoints_text */

/* ---- texts of fr_keypoints ---- */

/* The value of `key` in a text with every key; "" where it is not there. */
static void value_of(const char *text, const char *key, char value[VALUE_MOST]) {
  const size_t length = strlen(key);
  value[0] = '\0';
  for (const char *at = text; *at != '\0'; at += strspn(at, " ")) {
    const size_t word = strcspn(at, " ");
    if (word > length && word - length <= VALUE_MOST && at[length] == '=' &&
        strncmp(at, key, length) == 0) {
      memcpy(value, at + length + 1, word - length - 1);
      value[word - length - 1] = '\0';
      return;
    }
    at += word;
  }
}

/* With every key, whatever version wrote it; NULL: none can be made of it. */
static fr_keypoints *points_of(const char *text) {
  fr_keypoints *k = NULL;
  return text != NULL && text[0] != '\0' && fr_keypoints_new(text, &k, NULL) == FR_OK
             ? k
             : NULL;
}

/* The usual choices of the layout that `of` has. */
static fr_keypoints *usual_of(const fr_keypoints *of) {
  char layout[VALUE_MOST], text[VALUE_MOST + 8] = "layout=";
  value_of(fr_keypoints_text(of), "layout", layout);
  strcat(text, layout);
  return points_of(text);
}

/* ---- specs ---- */

static bool has_points(const fr__spec *spec) {
  return strcmp(spec->kind, "keypoints") == 0 ||
         (strcmp(spec->kind, "synthetic") == 0 && fr__spec_value(spec, "signs") != NULL);
}

static void add(fr__buf *text, const char *key, const char *value) {
  const char *const so_far = fr__buf_text(text);
  const char *const options = strchr(so_far, '?');
  const bool path = strchr(so_far, '/') != NULL; /* else options may follow the colon */
  const bool first = options == NULL && (path || strchr(so_far, '=') == NULL);
  fr__buf_printf(text, "%s%s=%s", first ? "?" : "&", key, value);
}

/* What differs from the usual, so that specs stay short. */
static void add_choices(fr__buf *text, const fr__spec *spec, const fr_keypoints *k) {
  fr_keypoints *const usual = usual_of(k);
  for (size_t i = 0; usual != NULL && fr__keypoints_keys[i] != NULL; i++) {
    const char *const key = fr__keypoints_keys[i];
    char value[VALUE_MOST], known[VALUE_MOST];
    value_of(fr_keypoints_text(k), key, value);
    value_of(fr_keypoints_text(usual), key, known);
    if (fr__spec_value(spec, key) == NULL && strcmp(value, known) != 0)
      add(text, key, value);
  }
  fr_keypoints_free(usual);
}

/* A network of raw key points has their names, or as many channels as frames have. */
static bool takes_raw(const fr_model *model) {
  enum fr_keypoint_layout layout;
  return fr_keypoint_layout_of(fr_net_input(model->net).channels, &layout);
}

static void add_model(fr__buf *text, const fr__spec *spec, const fr_model *model) {
  fr_keypoints *const k = points_of(model->frames);
  if (fr__spec_value(spec, "features") != NULL) {
    fr_keypoints_free(k);
    return;
  }
  if (k != NULL)
    add_choices(text, spec, k);
  else if (takes_raw(model))
    add(text, "features", "raw");
  fr_keypoints_free(k);
}

static enum fr_status check_parts(const fr__spec *spec, fr_error *err) {
  if (!has_points(spec))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "--parts is of key points (keypoints:PATH), which '%s' has not",
                    spec->whole);
  if (fr__spec_value(spec, "parts") != NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "--parts says again what '%s' says",
                    spec->whole);
  return FR_OK;
}

/* One spec, behind what `made` holds of others. */
static enum fr_status add_spec(fr__buf *made, const char *text, const char *parts,
                               const fr_model *model, fr_error *err) {
  fr__spec spec = {0}, told = {0};
  fr__buf one;
  fr__buf_init(&one, 0);
  fr__buf_printf(&one, "%s", text);
  enum fr_status status = fr__spec_parse(text, &spec, err);
  if (status == FR_OK && parts != NULL && (status = check_parts(&spec, err)) == FR_OK)
    add(&one, "parts", parts);
  if (status == FR_OK)
    status = fr__spec_parse(fr__buf_text(&one), &told, err);
  if (status == FR_OK && model != NULL && has_points(&told))
    add_model(&one, &told, model);
  fr__buf_printf(made, "%s%s", made->length > 0 ? FR__SPEC_AND : "", fr__buf_text(&one));
  if (status == FR_OK && one.status != FR_OK)
    status = fr__fail_memory(err, "a data spec");
  fr__spec_release(&spec);
  fr__spec_release(&told);
  fr__buf_release(&one);
  return status;
}

enum fr_status cli_frames_spec(const char *text, const char *parts, const fr_model *model,
                               char **out, fr_error *err) {
  char *const copy = strdup(text);
  enum fr_status status = copy != NULL ? FR_OK : fr__fail_memory(err, "a data spec");
  fr__buf made;
  fr__buf_init(&made, 0);
  for (char *one = copy; one != NULL && status == FR_OK;) {
    char *const end = strstr(one, FR__SPEC_AND);
    if (end != NULL)
      *end = '\0';
    status = add_spec(&made, one, parts, model, err);
    one = end != NULL ? end + strlen(FR__SPEC_AND) : NULL;
  }
  *out = status == FR_OK ? fr__buf_detach(&made) : NULL;
  if (status == FR_OK && *out == NULL)
    status = fr__fail_memory(err, "a data spec");
  fr__buf_release(&made);
  free(copy);
  return status;
}

/* ---- data and model ---- */

/* The first key in which they differ. */
static enum fr_status fail_choice(const fr_dataset *data, const char *have,
                                  const char *want, fr_error *err) {
  char ours[VALUE_MOST], theirs[VALUE_MOST];
  value_of(have, "layout", ours);
  value_of(want, "layout", theirs);
  if (strcmp(ours, theirs) != 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%s' has frames of %s numbers, the model takes features of %s",
                    data->spec, ours, theirs);
  for (size_t i = 0; fr__keypoints_keys[i] != NULL; i++) {
    const char *const key = fr__keypoints_keys[i];
    value_of(have, key, ours);
    value_of(want, key, theirs);
    if (strcmp(ours, theirs) != 0)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "'%s' has features with %s=%s, the model takes %s=%s", data->spec,
                      key, ours, key, theirs);
  }
  return FR_OK;
}

enum fr_status cli_frames_check(const fr_dataset *data, const fr_model *model,
                                fr_error *err) {
  fr_keypoints *const have = points_of(data->frames), *const want =
                                                          points_of(model->frames);
  enum fr_status status = FR_OK;
  if (have != NULL && want != NULL)
    status = fail_choice(data, fr_keypoints_text(have), fr_keypoints_text(want), err);
  else if (have != NULL)
    status = fr__fail(err, FR_ERR_ARGUMENT,
                      "'%s' has features of key points, the model takes numbers as they "
                      "were recorded",
                      data->spec);
  else if (want != NULL)
    status =
        fr__fail(err, FR_ERR_ARGUMENT,
                 "'%s' has no features of key points, which the model takes", data->spec);
  fr_keypoints_free(have);
  fr_keypoints_free(want);
  return status;
}
