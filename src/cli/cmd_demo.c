/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/demo_studies.h"

typedef struct demo {
  cli_output output;
  const char *directory;
  bool synthetic;
  const char *precision; /* NULL: f32 */
} demo;

enum { KEY_PRECISION = 0x100 };

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0, "where the report goes (default: frugal-demo)", 0},
    {"synthetic", 's', NULL, 0,
     "use the built-in walkers even where recordings are found", 0},
    {"precision", KEY_PRECISION, "NAME", 0,
     "of products: f32 (default), bf16 or auto, as of frugal train", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
  demo *d = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &d->output; return 0;
  case 'o': d->directory = text; return 0;
  case 's': d->synthetic = true; return 0;
  case KEY_PRECISION:
    if (!fr_train_precision_parse(text, &(enum fr_train_precision){FR_TRAIN_F32}))
      argp_error(state, "'%s' is not a precision: f32, bf16 or auto", text);
    d->precision = text;
    return 0;
  case ARGP_KEY_ARG: argp_error(state, "'%s' is one word too many", text); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    NULL,
    "A small study named demo: on MotionSense and ExtraSensory where they are found "
    "($FRUGAL_DATA, else $XDG_DATA_HOME/frugal/data), else on synthetic walkers.",
    children,
    NULL,
    NULL};

static bool exists(const char *folder, const char *name) {
  char *path = fr__path_join(folder, name);
  struct stat info;
  const bool there = path != NULL && stat(path, &info) == 0;
  free(path);
  return there;
}

static bool holds_recordings(const char *folder) {
  return folder != NULL && exists(folder, "motionsense/A_DeviceMotion_data.zip") &&
         exists(folder, "extrasensory");
}

/* Sets FRUGAL_DATA for the study's specs; false where the recordings are not there. */
static bool find_recordings(void) {
  if (holds_recordings(getenv("FRUGAL_DATA")))
    return true;
  char *user = fr__path_user("XDG_DATA_HOME", ".local/share");
  char *folder = user != NULL ? fr__path_join(user, "data") : NULL;
  const bool found = holds_recordings(folder);
  if (found)
    setenv("FRUGAL_DATA", folder, 1);
  free(folder);
  free(user);
  return found;
}

int cli_cmd_demo(int argc, char **argv) {
  demo d = {.directory = "frugal-demo"};
  argp_parse(&argp, argc, argv, 0, NULL, &d);
  const bool real = !d.synthetic && find_recordings();
  if (real)
    fprintf(stderr,
            "frugal: demo on the recordings of MotionSense and ExtraSensory in %s\n",
            getenv("FRUGAL_DATA"));
  else
    fputs("frugal: demo on synthetic walkers; for real recordings run frugal data fetch "
          "motionsense and frugal data fetch extrasensory\n",
          stderr);
  const char *yaml = real ? cli_demo_real : cli_demo_synthetic;
  fr_error err;
  fr_study *study;
  if (fr_study_parse("demo", yaml, strlen(yaml), &study, &err) != FR_OK)
    return cli_fail(&err);
  if (d.precision != NULL)
    (void)fr_study_set_precision(study, d.precision);
  char *words = cli_json_argv(argc, argv);
  const int code = cli_run_study(study, d.directory, FR_STUDY_JOBS_AUTO, NULL, "demo",
                                 &d.output, words);
  free(words);
  fr_study_free(study);
  return code;
}
