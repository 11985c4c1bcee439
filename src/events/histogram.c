/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms as TensorBoard's plugin takes them: a (k, 3) tensor of left edge, right edge
 * and count (tensorboard/plugins/histogram/summary_v2.py). */
#include "events/histogram.h"

#include <math.h>

#include "events/writer.h"

/* The number of finite values, and the least and greatest of them. */
static size_t find_range(const float *value, size_t count, double *least,
                         double *greatest) {
  float low = INFINITY, high = -INFINITY;
  size_t finite = 0;
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(value[i]))
      continue;
    low = value[i] < low ? value[i] : low;
    high = value[i] > high ? value[i] : high;
    finite++;
  }
  *least = low;
  *greatest = high;
  return finite;
}

static void set_edges(fr__histogram *histogram, double least, double width) {
  for (size_t k = 0; k < FR_EVENTS_BUCKETS; k++) {
    histogram->bucket[k][0] = least + (double)k * width;
    histogram->bucket[k][1] = least + (double)(k + 1) * width;
    histogram->bucket[k][2] = 0;
  }
}

static void count_values(fr__histogram *histogram, const float *value, size_t count,
                         double width) {
  const size_t last = FR_EVENTS_BUCKETS - 1;
  const double least = histogram->bucket[0][0];
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(value[i]))
      continue;
    /* NaN, and so the last, where all values are one and the same. */
    const double place = ((double)value[i] - least) / width;
    const size_t k = place < (double)last ? (size_t)place : last;
    histogram->bucket[k][2]++;
  }
}

void fr__histogram_init(fr__histogram *histogram, const float *value, size_t count) {
  double least, greatest;
  const size_t finite = find_range(value, count, &least, &greatest);
  *histogram = (fr__histogram){.left_out = count - finite};
  if (finite == 0)
    return;
  histogram->buckets = FR_EVENTS_BUCKETS;
  /* In double the range of floats neither overflows nor vanishes. */
  const double width = (greatest - least) / FR_EVENTS_BUCKETS;
  set_edges(histogram, least, width);
  histogram->bucket[FR_EVENTS_BUCKETS - 1][1] = greatest; /* not rounded */
  count_values(histogram, value, count, width);
}

static enum fr_status put_histogram(fr_events *events, int64_t step, const char *tag,
                                    fr__histogram *histogram, fr_error *err) {
  Fr__Events__Shape__Dim rows = FR__EVENTS__SHAPE__DIM__INIT;
  Fr__Events__Shape__Dim columns = FR__EVENTS__SHAPE__DIM__INIT;
  rows.size = (int64_t)histogram->buckets;
  columns.size = 3;
  Fr__Events__Shape shape = FR__EVENTS__SHAPE__INIT;
  shape.n_dim = 2;
  shape.dim = (Fr__Events__Shape__Dim *[]){&rows, &columns};
  Fr__Events__Tensor tensor = FR__EVENTS__TENSOR__INIT;
  tensor.dtype = FR__EVENTS__DATA_TYPE__DT_DOUBLE;
  tensor.tensor_shape = &shape;
  tensor.n_double_val = 3 * histogram->buckets;
  tensor.double_val = histogram->bucket[0];
  return fr__events_put(events, step,
                        &(fr__summary){.tag = tag,
                                       .plugin = "histograms",
                                       .data_class = FR__EVENTS__DATA_CLASS__TENSOR,
                                       .tensor = &tensor},
                        err);
}

enum fr_status fr_events_histogram(fr_events *events, int64_t step, const char *tag,
                                   const float *value, size_t count, size_t *left_out,
                                   fr_error *err) {
  enum fr_status status = fr__events_check_name(tag, "a tag", err);
  if (status != FR_OK)
    return status;
  fr__histogram histogram;
  fr__histogram_init(&histogram, value, count);
  status = put_histogram(events, step, tag, &histogram, err);
  if (status == FR_OK && left_out != NULL)
    *left_out = histogram.left_out;
  return status;
}
