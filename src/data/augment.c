/* SPDX-License-Identifier: Apache-2.0 */
/* Changes to training samples that leave what they show as it is (Um et al. 2017, Data
 * augmentation of wearable sensor data, ICMI: jittering and scaling). */
#include <math.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/normal.h"
#include "base/rng.h"
#include "frugal/data.h"

#define STREAM_AUGMENT ((uint64_t)0x61756700 << 32) /* of the seed: "aug" */
#define DEVIATION_MOST 10.0

static enum fr_status read_item(const char *item, size_t length, fr_augment *out,
                                fr_error *err) {
  const struct {
    const char *name;
    float *deviation;
  } known[] = {{"jitter(", &out->jitter}, {"scale(", &out->scale}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const size_t name = strlen(known[i].name);
    double value;
    if (length <= name + 1 || strncmp(item, known[i].name, name) != 0 ||
        item[length - 1] != ')')
      continue;
    if (!fr__parse_number(item + name, length - name - 1, &value) || !(value > 0) ||
        !(value <= DEVIATION_MOST))
      break;
    *known[i].deviation = (float)value;
    return FR_OK;
  }
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "augmentation '%.*s' is not jitter(D) or scale(D) with a deviation D "
                  "above 0, at most 10",
                  (int)length, item);
}

enum fr_status fr_augment_parse(const char *text, fr_augment *out, fr_error *err) {
  fr_augment read = {0};
  for (const char *at = text; *(at += strspn(at, " ")) != '\0';) {
    const size_t length = strcspn(at, " ");
    const enum fr_status status = read_item(at, length, &read, err);
    if (status != FR_OK)
      return status;
    at += length;
  }
  *out = read;
  return FR_OK;
}

void fr_augment_apply(const fr_augment *augment, uint64_t seed, uint64_t epoch,
                      size_t sample, float *x, size_t steps, size_t channels) {
  fr__rng rng;
  fr__rng_init(&rng, seed ^ (epoch * 0x9e3779b97f4a7c15u), STREAM_AUGMENT + sample);
  if (augment->scale > 0) {
    const float factor = 1.0f + augment->scale * (float)fr__rng_normal(&rng);
    for (size_t i = 0; i < steps * channels; i++)
      x[i] *= factor;
  }
  if (augment->jitter > 0) {
    fr__normals normals;
    fr__normals_init(&normals, fr__rng_next(&rng), 0);
    fr__normals_add(&normals, augment->jitter, x, steps * channels);
  }
}
