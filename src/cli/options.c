/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/iso8601.h"
#include "carbon/source.h"

enum {
  KEY_JSON = 256,
  KEY_STORE,
  KEY_DATA,
  KEY_TASK,
  KEY_SPLIT,
  KEY_VALIDATE,
  KEY_WINDOW,
  KEY_STEP,
  KEY_RATE,
  KEY_FOLD,
  KEY_PARTS,
  KEY_SHORT,
  KEY_NORMALIZE,
};

size_t cli_number(struct argp_state *state, const char *option, const char *text,
                  size_t low, size_t high) {
  int64_t value;
  if (!fr__parse_integer(text, (int64_t)low, (int64_t)high, &value))
    argp_error(state, "--%s takes a whole number from %zu to %zu, not '%s'", option, low,
               high, text);
  return (size_t)value;
}

double cli_real(struct argp_state *state, const char *option, const char *text,
                double low, double high) {
  double value;
  if (!fr__parse_number(text, strlen(text), &value) || !isfinite(value) || value < low ||
      value > high)
    argp_error(state, "--%s takes a number from %g to %g, not '%s'", option, low, high,
               text);
  return value;
}

/* ---- times ---- */

#define LATEST_S (230 * 366 * INT64_C(86400))

bool cli_time_read(const char *text, int64_t *t_s, fr_error *err) {
  if (fr__time_parse(text, FR__TIME_LOCAL, t_s, err) != FR_OK)
    return false;
  if (*t_s >= 0 && *t_s <= LATEST_S)
    return true;
  (void)fr__fail(err, FR_ERR_LIMIT, "'%.64s' is not between 1970 and 2200", text);
  return false;
}

int64_t cli_time(struct argp_state *state, const char *option, const char *text) {
  fr_error err;
  int64_t t_s = 0;
  if (!cli_time_read(text, &t_s, &err))
    argp_error(state, "--%s: %s", option, err.text);
  return t_s;
}

int64_t cli_duration(struct argp_state *state, const char *option, const char *text) {
  fr_error err;
  int64_t seconds = 0;
  if (fr__duration_parse(text, &seconds, &err) != FR_OK)
    argp_error(state, "--%s: %s", option, err.text);
  return seconds;
}

enum fr_factor cli_factor(struct argp_state *state, const char *text) {
  enum fr_factor factor = FR_FACTOR_UNKNOWN;
  if (!fr__factor_read(text, strlen(text), &factor))
    argp_error(state, "--factor takes lifecycle or direct, not '%s'", text);
  return factor;
}

size_t cli_threads(struct argp_state *state, const char *text) {
  if (strcmp(text, "all") != 0)
    return cli_number(state, "threads", text, 1, FR_THREADS_CEILING);
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  if (online < 1)
    return 1;
  return (size_t)online < FR_THREADS_CEILING ? (size_t)online : FR_THREADS_CEILING;
}

fr_shape cli_shape(struct argp_state *state, const char *option, const char *text) {
  char steps[16] = "";
  const char *x = strchr(text, 'x');
  int64_t t = 0, c = 0;
  if (x != NULL && (size_t)(x - text) < sizeof steps)
    memcpy(steps, text, (size_t)(x - text));
  if (!fr__parse_integer(steps, 1, 1000000, &t) ||
      !fr__parse_integer(x + 1, 1, 1000000, &c))
    argp_error(state, "--%s takes STEPSxCHANNELS such as 128x12, not '%s'", option, text);
  return (fr_shape){(size_t)t, (size_t)c};
}

error_t cli_parse_model(int key, char *text, struct argp_state *state,
                        const char **model) {
  if (key == ARGP_KEY_NO_ARGS)
    argp_error(state, "say which model: MODEL.safetensors");
  else if (state->arg_num > 0)
    argp_error(state, "'%s' is one word too many", text);
  else
    *model = text;
  return 0;
}

/* ---- output ---- */

static const struct argp_option output_options[] = {
    {"json", KEY_JSON, "FILE", 0,
     "write the figures as JSON too (-: in the table's place)", 90},
    {"store", KEY_STORE, "FILE", 0,
     "keep runs there (default: $XDG_DATA_HOME/frugal/runs.sqlite)", 90},
    {"quiet", 'q', NULL, 0, "show no progress", 90},
    {0},
};

static error_t parse_output(int key, char *text, struct argp_state *state) {
  cli_output *output = state->input;
  switch (key) {
  case KEY_JSON: output->json = text; return 0;
  case KEY_STORE:
    if (text[0] == '\0')
      argp_error(state, "an empty name is no store");
    output->store = text;
    return 0;
  case 'q': output->quiet = true; return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

const struct argp cli_output_argp = {.options = output_options, .parser = parse_output};

/* ---- input ---- */

static const struct argp_option data_options[] = {
    {"data", KEY_DATA, "SPEC", 0,
     "KIND:PATH[?key=value&...], KIND one of motionsense, extrasensory, keypoints, ts, "
     "csv, synthetic",
     10},
    {"task", KEY_TASK, "TASK", 0,
     "subject (default; of key points gesture), activity, gesture, or labels: a yes or "
     "no "
     "for each",
     10},
    {"window", KEY_WINDOW, "SAMPLES", 0,
     "length of a window (default: the data set's own, 30 of key points, else 128)", 10},
    {"step", KEY_STEP, "SAMPLES", 0,
     "from one window to the next (default: half of the data set's own window, else 64)",
     10},
    {"split", KEY_SPLIT, "HOW", 0,
     "trial, subject:IDS, subject:loo, kfold:K, folds:DIR, blocks:K (of trials), "
     "time:SHARE, random:SHARE (leaky), published (of ts:) or all (default: the data "
     "set's own)",
     10},
    {"validate", KEY_VALIDATE, "HOW", 0,
     "of the training side: a share, trial, blocks (of blocks:K), subject:IDS, "
     "random:SHARE or none (default 0.1)",
     10},
    {0},
};

/* Of one training or test, which a study has no word for. */
static const struct argp_option input_options[] = {
    {"short", KEY_SHORT, "WHAT", 0,
     "drop (default) or keep what is shorter than a window: padded with zeros that no "
     "layer sees",
     10},
    {"rate", KEY_RATE, "HZ", 0, "resample to that rate (default: as recorded)", 10},
    {"normalize", KEY_NORMALIZE, "METHOD", 0,
     "the input by zscore (default), minmax, robust (median and quartiles), window (each "
     "by its own mean and deviation) or none; of a model that is tested, extended or "
     "made smaller its own",
     10},
    {"parts", KEY_PARTS, "LIST", 0,
     "of key points: some of hands,pose,face (default: hands, and pose where there is "
     "one; "
     "of a model that is tested its own)",
     10},
    {"fold", KEY_FOLD, "N", 0,
     "which fold of subject:loo, kfold:K, blocks:K or folds:DIR (default 1)", 10},
    {0},
};

static const char *check_data(struct argp_state *state, const char *text) {
  if (strchr(text, ':') == NULL)
    argp_error(state, "--data takes KIND:PATH[?key=value&...], not '%s'", text);
  return text;
}

static const char *check_task(struct argp_state *state, const char *text) {
  enum fr_task task;
  if (!fr_task_parse(text, &task))
    argp_error(state, "'%s' is not a task: subject, activity, gesture or labels", text);
  return text;
}

static void check_sides(struct argp_state *state, const cli_input *input) {
  fr_error err;
  if (fr_split_check(input->split, input->validate, &err) != FR_OK)
    argp_error(state, "%s", err.text);
}

static const char *check_normalize(struct argp_state *state, const char *text) {
  enum fr_normalize how;
  if (!fr_normalize_parse(text, &how))
    argp_error(state,
               "'%s' is no way of normalising: zscore, minmax, robust, window or none",
               text);
  return text;
}

static error_t parse_data(int key, char *text, struct argp_state *state) {
  cli_input *input = state->input;
  switch (key) {
  case KEY_DATA: input->data = check_data(state, text); return 0;
  case KEY_TASK: input->task = check_task(state, text); return 0;
  case KEY_SPLIT: input->split = text; return 0;
  case KEY_VALIDATE: input->validate = text; return 0;
  case KEY_WINDOW:
    input->window = cli_number(state, "window", text, 1, 1000000);
    return 0;
  case KEY_STEP: input->step = cli_number(state, "step", text, 1, 1000000); return 0;
  case ARGP_KEY_END: check_sides(state, input); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

const struct argp cli_data_argp = {.options = data_options, .parser = parse_data};

static error_t parse_input(int key, char *text, struct argp_state *state) {
  cli_input *input = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = input; return 0;
  case KEY_SHORT:
    if (strcmp(text, "keep") != 0 && strcmp(text, "drop") != 0)
      argp_error(state, "--short takes keep or drop, not '%s'", text);
    input->shorter = text;
    return 0;
  case KEY_RATE: input->rate_hz = cli_real(state, "rate", text, 0.01, 100000); return 0;
  case KEY_NORMALIZE: input->normalize = check_normalize(state, text); return 0;
  case KEY_PARTS: input->parts = text; return 0;
  case KEY_FOLD: input->fold = cli_number(state, "fold", text, 1, 100000); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child input_children[] = {{&cli_data_argp, 0, NULL, 0}, {0}};

const struct argp cli_input_argp = {
    .options = input_options, .parser = parse_input, .children = input_children};
