/* SPDX-License-Identifier: Apache-2.0 */
/* frugal data export --stream: held-back sequences joined into one stream of raw frames,
 * and beside it the truth, what was signed and when. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/export_stream.h"
#include "data/joined.h"
#include "data/keypoints.h"
#include "report/table.h"

#define TEXT_CEILING ((size_t)8 << 30)
#define MINUTES 10.0

typedef struct stream {
  cli_output output;
  bool stream;
  const char *file, *data, *split, *validate;
  size_t fold; /* the first is 1; 0: not told */
  enum fr_side side;
  uint64_t train_seed;
  fr__joined_options options;
} stream;

enum {
  KEY_STREAM = 0x100,
  KEY_DATA,
  KEY_SPLIT,
  KEY_VALIDATE,
  KEY_FOLD,
  KEY_SIDE,
  KEY_MINUTES,
  KEY_SEED,
  KEY_TRAIN_SEED,
  KEY_NO_SIGNS
};

static const struct argp_option options[] = {
    {"stream", KEY_STREAM, NULL, 0, "one stream of all sequences: what can be exported",
     0},
    {"output", 'o', "FILE", 0,
     "FILE.jsonl (a frame a line) or FILE.f32 (float32 in this machine's order); the "
     "truth goes to FILE.truth.jsonl",
     0},
    {"data", KEY_DATA, "SPEC", 0, "key points; their features and no_sign= are left out",
     0},
    {"split", KEY_SPLIT, "HOW", 0, "as in training (default: the data set's own)", 0},
    {"validate", KEY_VALIDATE, "HOW", 0, "as in training (default 0.1)", 0},
    {"fold", KEY_FOLD, "N", 0, "which fold of the split (default 1)", 0},
    {"side", KEY_SIDE, "test|validate|train", 0,
     "whose sequences are joined (default test)", 0},
    {"minutes", KEY_MINUTES, "M", 0,
     "at least so long; sequences come again in another order (default 10)", 0},
    {"seed", KEY_SEED, "N", 0, "of order, pauses and movements (default 1)", 0},
    {"train-seed", KEY_TRAIN_SEED, "N", 0,
     "the training's seed, on which splits by chance depend (default 1)", 0},
    {"no-signs", KEY_NO_SIGNS, NULL, 0,
     "pauses, movements and pieces only: every line is a false alarm", 0},
    {0},
};

static bool parse_side(const char *text, enum fr_side *out) {
  static const struct {
    const char *name;
    enum fr_side side;
  } sides[] = {
      {"test", FR_SIDE_TEST}, {"validate", FR_SIDE_VALIDATE}, {"train", FR_SIDE_TRAIN}};
  for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
    if (strcmp(sides[i].name, text) == 0) {
      *out = sides[i].side;
      return true;
    }
  return false;
}

static const char *ending(const char *file) {
  const char *const dot = strrchr(fr__path_name(file), '.');
  return dot != NULL && dot != fr__path_name(file) ? dot : "";
}

static void check_usage(const stream *s, struct argp_state *state) {
  fr_error err;
  if (!s->stream)
    argp_error(state, "say --stream");
  else if (s->data == NULL || s->file == NULL)
    argp_error(state, "say %s", s->data == NULL ? "--data SPEC" : "-o FILE");
  else if (strcmp(ending(s->file), ".jsonl") != 0 && strcmp(ending(s->file), ".f32") != 0)
    argp_error(state, "-o %s: the name must end in .jsonl or .f32", s->file);
  else if (fr_split_check(s->split, s->validate, &err) != FR_OK)
    argp_error(state, "%s", err.text);
}

static error_t parse(int key, char *text, struct argp_state *state) {
  stream *const s = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &s->output; return 0;
  case KEY_STREAM: s->stream = true; return 0;
  case 'o': s->file = text; return 0;
  case KEY_DATA: s->data = text; return 0;
  case KEY_SPLIT: s->split = text; return 0;
  case KEY_VALIDATE: s->validate = text; return 0;
  case KEY_FOLD: s->fold = cli_number(state, "fold", text, 1, 100000); return 0;
  case KEY_SIDE:
    if (!parse_side(text, &s->side))
      argp_error(state, "--side %s: not test, validate or train", text);
    return 0;
  case KEY_MINUTES:
    s->options.minutes = cli_real(state, "minutes", text, 0.01, 1440);
    return 0;
  case KEY_SEED:
    s->options.seed = cli_number(state, "seed", text, 0, INT64_MAX);
    return 0;
  case KEY_TRAIN_SEED:
    s->train_seed = cli_number(state, "train-seed", text, 0, INT64_MAX);
    return 0;
  case KEY_NO_SIGNS: s->options.no_signs = true; return 0;
  case ARGP_KEY_END: check_usage(s, state); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    "--stream --data SPEC -o FILE.jsonl|FILE.f32",
    "Joins the held-back sequences of key points with rests, absences and movements into "
    "one stream of raw frames, as a camera gives them, and writes what was signed when "
    "beside it.",
    children,
    NULL,
    NULL};

/* ---- data ---- */

/* Where the options of KIND:PATH?options or KIND:options begin. */
static size_t options_at(const char *spec) {
  const size_t mark = strcspn(spec, "?");
  const size_t kind = strcspn(spec, ":");
  const bool without_path =
      spec[mark] == '\0' && spec[kind] == ':' && strchr(spec + kind, '=') != NULL;
  return without_path ? kind : mark;
}

static bool is_one_of(const char *const *keys, const char *option, size_t length) {
  for (size_t i = 0; keys[i] != NULL; i++) {
    const size_t key = strlen(keys[i]);
    if (length > key && option[key] == '=' && strncmp(option, keys[i], key) == 0)
      return true;
  }
  return false;
}

/* Whether an option of a spec is of features or of made records, which raw numbers are
 * refused with. */
static bool is_of_features(const char *option, size_t length) {
  static const char *const made[] = {"features", "no_sign", "shifted", NULL};
  return is_one_of(made, option, length) || is_one_of(fr__keypoints_keys, option, length);
}

/* The spec with features=raw in the place of those; the caller's (free). */
static char *raw_spec(const char *spec) {
  fr__buf out;
  fr__buf_init(&out, 0);
  const size_t path = options_at(spec);
  fr__buf_add_bytes(&out, spec, path);
  fr__buf_add(&out, spec[path] == ':' ? ":features=raw" : "?features=raw");
  for (const char *at = spec + path; *at != '\0';) {
    at++;
    const size_t length = strcspn(at, "&");
    if (length > 0 && !is_of_features(at, length)) {
      fr__buf_add(&out, "&");
      fr__buf_add_bytes(&out, at, length);
    }
    at += length;
  }
  return fr__buf_detach(&out);
}

static enum fr_status open_data(const stream *s, fr_dataset **data, fr_error *err) {
  char *const spec = raw_spec(s->data), *const cache = cli_cache_folder();
  const fr_data_options how = {.cache = cache};
  const enum fr_status status = spec != NULL ? fr_data_open(spec, &how, data, err)
                                             : fr__fail_memory(err, "a data spec");
  free(spec);
  free(cache);
  return status;
}

/* Every record is one window. */
static enum fr_status join(const stream *s, const fr_dataset *data, fr__joined *out,
                           fr_error *err) {
  fr_windows windows = {0};
  fr_split split = {0};
  size_t longest = 1;
  for (size_t i = 0; i < data->count; i++)
    longest = data->record[i].steps > longest ? data->record[i].steps : longest;
  enum fr_status status = fr_windows_init_short(&windows, data, longest, longest, 1, err);
  if (status == FR_OK)
    status = fr_split_init(&split, &windows, s->split, s->validate,
                           s->fold > 0 ? s->fold - 1 : 0, s->train_seed, err);
  if (status == FR_OK)
    status = fr__joined_init(out, &windows, &split, s->side, &s->options, err);
  fr_split_release(&split);
  fr_windows_release(&windows);
  return status;
}

/* ---- files ---- */

static enum fr_status write_text(const char *file, fr__buf *text, fr_error *err) {
  enum fr_status status = text->status;
  if (status != FR_OK)
    fr__fail(err, status, "'%s' would be larger than memory or %zu bytes", file,
             text->ceiling);
  else
    status = fr__file_write(file, fr__buf_text(text), text->length, err);
  fr__buf_release(text);
  return status;
}

static enum fr_status write_frames(const stream *s, const fr__joined *joined,
                                   fr_error *err) {
  if (strcmp(ending(s->file), ".f32") == 0)
    return fr__file_write(s->file, joined->value,
                          joined->frames * joined->width * sizeof *joined->value, err);
  fr__buf text;
  fr__buf_init(&text, TEXT_CEILING);
  for (size_t i = 0; i < joined->frames; i++) {
    const float *const frame = joined->value + i * joined->width;
    fr__buf_printf(&text, "{\"t\":%.6f,\"frame\":[", (double)i / joined->rate_hz);
    for (size_t c = 0; c < joined->width; c++)
      fr__buf_printf(&text, c > 0 ? ",%.9g" : "%.9g", (double)frame[c]);
    fr__buf_add(&text, "]}\n");
  }
  return write_text(s->file, &text, err);
}

/* "a/stream.jsonl" -> "a/stream.truth.jsonl"; the caller's (free). */
static char *truth_name(const char *file) {
  fr__buf name;
  fr__buf_init(&name, 0);
  fr__buf_add_bytes(&name, file, strlen(file) - strlen(ending(file)));
  fr__buf_add(&name, ".truth.jsonl");
  return fr__buf_detach(&name);
}

static enum fr_status write_truth(const char *file, const fr_dataset *data,
                                  const fr__joined *joined, fr_error *err) {
  fr__buf text;
  fr__buf_init(&text, TEXT_CEILING);
  for (size_t i = 0; i < joined->count; i++) {
    const fr__joined_sign *const sign = &joined->sign[i];
    json_t *const name =
        json_string(data->activities.name[data->record[sign->record].activity]);
    char *const quoted = json_dumps(name, JSON_ENCODE_ANY);
    fr__buf_printf(&text, "{\"sign\":%s,\"start_s\":%.6f,\"end_s\":%.6f}\n",
                   quoted != NULL ? quoted : "null",
                   (double)sign->start / joined->rate_hz,
                   (double)sign->end / joined->rate_hz);
    free(quoted);
    json_decref(name);
  }
  return write_text(file, &text, err);
}

/* No frames stay beside the truth of others, or of none. */
static enum fr_status write_both(const stream *s, const char *truth,
                                 const fr_dataset *data, const fr__joined *joined,
                                 fr_error *err) {
  enum fr_status status = write_frames(s, joined, err);
  if (status != FR_OK)
    return status;
  status = write_truth(truth, data, joined, err);
  if (status != FR_OK)
    (void)unlink(s->file);
  return status;
}

/* ---- what is told ---- */

static void tell(const stream *s, const char *truth, const fr__joined *joined,
                 cli_result *result, fr__buf *text) {
  const double duration_s = (double)joined->frames / joined->rate_hz;
  const double times = (double)joined->count / (double)joined->sources;
  fr__buf_printf(text, "%zu frames of %zu numbers, %.1f min at %g Hz, in %s\n",
                 joined->frames, joined->width, duration_s / 60, joined->rate_hz,
                 s->file);
  if (s->options.no_signs)
    fr__buf_printf(text, "no sign, made of %zu sequences\n", joined->sources);
  else
    fr__buf_printf(text, "%zu signs of %zu sequences, each %.1f times, in %s\n",
                   joined->count, joined->sources, times, truth);
  json_object_update_new(
      result->result,
      json_pack("{s:s, s:s, s:I, s:I, s:f, s:f, s:I, s:I, s:f, s:I, s:b}", "stream",
                s->file, "truth", truth, "frames", (json_int_t)joined->frames, "numbers",
                (json_int_t)joined->width, "rate_hz", joined->rate_hz, "duration_s",
                duration_s, "signs", (json_int_t)joined->count, "sequences",
                (json_int_t)joined->sources, "times_each", times, "seed",
                (json_int_t)s->options.seed, "no_signs", s->options.no_signs));
}

int cli_export_stream(int argc, char **argv) {
  stream s = {.validate = "0.1",
              .side = FR_SIDE_TEST,
              .train_seed = 1,
              .options = {.minutes = MINUTES, .seed = 1}};
  argp_parse(&argp, argc, argv, 0, NULL, &s);
  fr_error err = {0};
  cli_result result;
  cli_result_init(&result, "data");
  fr__buf text;
  fr__buf_init(&text, 0);
  fr_dataset *data = NULL;
  fr__joined joined = {0};
  char *const truth = truth_name(s.file);
  const char *const paths[] = {s.file, truth, s.output.json};
  enum fr_status status = truth != NULL ? cli_check_distinct(paths, 3, &err)
                                        : fr__fail_memory(&err, "a name");
  for (size_t i = 0; status == FR_OK && i < 2; i++)
    status = cli_check_writable(paths[i], &err);
  if (status == FR_OK)
    status = open_data(&s, &data, &err);
  if (status == FR_OK)
    status = join(&s, data, &joined, &err);
  if (status == FR_OK)
    status = write_both(&s, truth, data, &joined, &err);
  if (status == FR_OK)
    tell(&s, truth, &joined, &result, &text);
  const int code = status == FR_OK
                       ? cli_result_print(&result, &s.output, fr__buf_text(&text))
                       : cli_fail(&err);
  fr__joined_release(&joined);
  fr_data_free(data);
  free(truth);
  fr__buf_release(&text);
  cli_result_release(&result);
  return code;
}
