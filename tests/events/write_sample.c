/* SPDX-License-Identifier: Apache-2.0 */
/* Writes into two runs below a folder what tests/clients/check_tensorboard.py expects. */
#include <math.h>
#include <stdio.h>

#include "frugal/events.h"

#define STEPS 5

static const char *const metric[] = {"validation/accuracy", "train/loss"};

static enum fr_status write_session(fr_events *events, bool first, fr_error *err) {
  const fr_events_parameter parameter[] = {
      {.name = "learning_rate", .number = first ? 0.002 : 0.01},
      {.name = "dropout", .number = 0},
      {.name = "net", .kind = FR_EVENTS_STRING, .string = first ? "small" : "größer"},
      {.name = "resume", .kind = FR_EVENTS_BOOLEAN, .boolean = !first},
  };
  return fr_events_hparams(events, &(fr_events_session){NULL, parameter, 4, metric, 2},
                           err);
}

static enum fr_status write_curves(fr_events *events, bool first, fr_error *err) {
  enum fr_status status = FR_OK;
  for (int64_t step = 0; status == FR_OK && step < STEPS; step++) {
    status = fr_events_scalar(events, step, metric[1],
                              (first ? 1.0 : 2.0) / (double)(step + 1), err);
    if (status == FR_OK)
      status = fr_events_scalar(events, step, metric[0],
                                (first ? 0.5 : 0.25) + 0.1 * (double)step, err);
  }
  if (status == FR_OK)
    status = fr_events_scalar(events, (int64_t)1 << 40, "odd/far", 3, err);
  if (status == FR_OK)
    status = fr_events_scalar(events, 0, "odd/values", NAN, err);
  if (status == FR_OK)
    status = fr_events_scalar(events, 1, "odd/values", INFINITY, err);
  return status;
}

static enum fr_status write_histograms(fr_events *events, fr_error *err) {
  float rising[121], equal[7];
  const float nothing[] = {NAN, 4, INFINITY};
  size_t left_out = 0;
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < 7; i++)
    equal[i] = 2.5f;
  for (int64_t step = 0; status == FR_OK && step < 3; step++) {
    for (size_t i = 0; i < 121; i++)
      rising[i] = (float)step + 0.25f * (float)i;
    status = fr_events_histogram(events, step, "weights/rising", rising, 121, NULL, err);
    if (status == FR_OK)
      status = fr_events_histogram(events, step, "weights/equal", equal, 7, NULL, err);
    if (status == FR_OK)
      status = fr_events_histogram(events, step, "weights/none", NULL, 0, NULL, err);
    if (status == FR_OK)
      status =
          fr_events_histogram(events, step, "weights/nan", nothing, 3, &left_out, err);
  }
  return status;
}

static enum fr_status write_run(const char *folder, const char *name, bool first,
                                fr_error *err) {
  char path[1024];
  fr_events *events = NULL;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  enum fr_status status = fr_events_new(path, &events, err);
  if (status == FR_OK)
    status = write_session(events, first, err);
  if (status == FR_OK)
    status = write_curves(events, first, err);
  if (status == FR_OK)
    status = write_histograms(events, err);
  if (status == FR_OK)
    status = fr_events_text(events, 1, "notes", "**bold** and größer", err);
  if (status == FR_OK)
    status =
        fr_events_hparams_end(events, first ? FR_EVENTS_SUCCESS : FR_EVENTS_FAILURE, err);
  if (status == FR_OK)
    status = fr_events_flush(events, err);
  fr_events_free(events);
  return status;
}

/* A run that was killed after step 7 and taken up before step 5. */
static enum fr_status write_restarted(const char *folder, fr_error *err) {
  char path[1024];
  enum fr_status status = FR_OK;
  snprintf(path, sizeof path, "%s/restarted", folder);
  for (int part = 0; part < 2 && status == FR_OK; part++) {
    fr_events *events = NULL;
    status = fr_events_new(path, &events, err);
    if (status == FR_OK && part == 1)
      status = fr_events_restart(events, 5, err);
    for (int64_t step = part == 0 ? 0 : 5; step < 8 - part && status == FR_OK; step++)
      status = fr_events_scalar(events, step, metric[1], part, err);
    fr_events_free(events);
  }
  return status;
}

int main(int argc, char **argv) {
  fr_error err = {0};
  if (argc != 2) {
    fprintf(stderr, "usage: write_sample FOLDER\n");
    return 2;
  }
  if (write_restarted(argv[1], &err) == FR_OK &&
      write_run(argv[1], "first", true, &err) == FR_OK &&
      write_run(argv[1], "second", false, &err) == FR_OK)
    return 0;
  fprintf(stderr, "write_sample: %s\n", err.text);
  return 1;
}
