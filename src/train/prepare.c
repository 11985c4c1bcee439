/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "frugal/train.h"

enum { DEFAULT_WINDOW = 128, DEFAULT_STEP = 64 };

static enum fr_status copy_data(const fr_dataset *data, double rate_hz, fr_dataset **out,
                                fr_error *err) {
  const bool resample = rate_hz > 0 && data->rate_hz > 0 && rate_hz != data->rate_hz;
  return resample ? fr_dataset_resample(data, rate_hz, out, err)
                  : fr_dataset_copy(data, out, err);
}

static enum fr_status cut(fr_prepared *p, const fr_prepare_options *options,
                          fr_error *err) {
  const size_t own = p->data->window;
  const size_t window = own != 0 ? own : DEFAULT_WINDOW;
  const size_t apart = own != 0 ? (own + 1) / 2 : DEFAULT_STEP;
  const size_t length = options->window != 0 ? options->window : window;
  const size_t step = options->step != 0 ? options->step : apart;
  const char *split = options->split != NULL ? options->split : p->data->split;
  const char *validate = options->validate != NULL ? options->validate : "0.1";
  enum fr_status status =
      fr_windows_init_short(&p->windows, p->data, length, step,
                            options->keep_short ? FR_WINDOW_SHORTEST : 0, err);
  if (status == FR_OK)
    status = fr_split_init(&p->split, &p->windows, split, validate, options->fold,
                           options->seed, err);
  return status;
}

static enum fr_status copy_normalizer(const fr_normalizer *from, fr_normalizer *to,
                                      fr_error *err) {
  const size_t bytes = from->channels * sizeof(float);
  to->shift = malloc(bytes + 1); /* malloc(0) may be NULL */
  to->scale = malloc(bytes + 1);
  if (to->shift == NULL || to->scale == NULL)
    return fr__fail_memory(err, "a normaliser");
  memcpy(to->shift, from->shift, bytes);
  memcpy(to->scale, from->scale, bytes);
  to->channels = from->channels;
  to->how = from->how;
  return FR_OK;
}

static enum fr_status normalize(fr_prepared *p, const fr_prepare_options *options,
                                fr_error *err) {
  const enum fr_status status =
      options->normalizer == NULL
          ? fr_normalizer_fit(&p->normalizer, options->normalize, &p->windows, &p->split,
                              err)
          : copy_normalizer(options->normalizer, &p->normalizer, err);
  /* Windows share steps of the recordings: each by itself, they are copies. */
  return status != FR_OK || p->normalizer.how == FR_NORMALIZE_WINDOW
             ? status
             : fr_normalizer_apply_all(&p->normalizer, p->data, err);
}

static enum fr_status normalize_samples(fr_prepared *p, fr_error *err) {
  fr_samples *const sides[] = {&p->train, &p->validate, &p->test};
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < 3 && status == FR_OK; i++)
    status = fr_samples_normalize(sides[i], &p->normalizer, err);
  return status;
}

static enum fr_status gather(fr_prepared *p, const fr_prepare_options *options,
                             fr_error *err) {
  const fr_names *classes = options->classes;
  enum fr_status status = FR_OK;
  if (classes == NULL) {
    status = fr_classes_init(&p->classes, &p->windows, &p->split, options->task, err);
    classes = &p->classes;
  }
  const struct {
    fr_samples *samples;
    enum fr_side side;
    size_t *unknown;
  } sides[] = {{&p->train, FR_SIDE_TRAIN, NULL},
               {&p->validate, FR_SIDE_VALIDATE, NULL},
               {&p->test, FR_SIDE_TEST, &p->unknown}};
  for (size_t i = 0; i < 3 && status == FR_OK; i++)
    status = fr_samples_init(sides[i].samples, &p->windows, &p->split, sides[i].side,
                             options->task, classes, sides[i].unknown, err);
  return status;
}

enum fr_status fr_prepared_init(fr_prepared *prepared, const fr_dataset *data,
                                const fr_prepare_options *options,
                                const fr_observer *observer, fr_error *err) {
  fr_prepared p = {0};
  if (observer != NULL && observer->phase_begin != NULL)
    observer->phase_begin(observer->self, "normalize");
  enum fr_status status = copy_data(data, options->rate_hz, &p.data, err);
  if (status == FR_OK)
    status = cut(&p, options, err);
  if (status == FR_OK)
    status = normalize(&p, options, err);
  if (status == FR_OK)
    status = gather(&p, options, err);
  if (status == FR_OK && p.normalizer.how == FR_NORMALIZE_WINDOW)
    status = normalize_samples(&p, err);
  if (observer != NULL && observer->phase_end != NULL)
    observer->phase_end(observer->self);
  if (status == FR_OK)
    *prepared = p;
  else
    fr_prepared_release(&p);
  return status;
}

void fr_prepared_release(fr_prepared *prepared) {
  fr_samples_release(&prepared->train);
  fr_samples_release(&prepared->validate);
  fr_samples_release(&prepared->test);
  fr_names_release(&prepared->classes);
  fr_normalizer_release(&prepared->normalizer);
  fr_split_release(&prepared->split);
  fr_windows_release(&prepared->windows);
  fr_data_free(prepared->data);
  *prepared = (fr_prepared){0};
}
