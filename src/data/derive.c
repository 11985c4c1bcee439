/* SPDX-License-Identifier: Apache-2.0 */
/* What a spec asks to be made of a series once it is read: frame=, rate=, features=. */
#include <string.h>

#include "base/error.h"
#include "data/reader.h"

#define LENGTH_S 20.0 /* of ExtraSensory's windows */

static const struct {
  const char *name;
  fr__derive_frame *make;
} frames[] = {
    {"gravity", fr_dataset_gravity_frame},
    {"pocket", fr_dataset_pocket_frame},
    {"body", fr_dataset_body_frame},
    {"motion", fr_dataset_motion_frame},
};
#define FRAMES (sizeof frames / sizeof *frames)

enum fr_status fr__derivation_read(const fr__spec *spec, fr__derivation *out,
                                   fr_error *err) {
  const char *features = fr__spec_value(spec, "features");
  const char *frame = fr__spec_value(spec, "frame");
  fr__derivation d = {.features = features != NULL};
  if (features != NULL && strcmp(features, "extrasensory") != 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "features: '%s' is not extrasensory", features);
  if (features == NULL && fr__spec_value(spec, "features_step") != NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "features_step: needs features=extrasensory");
  for (size_t i = 0; i < FRAMES && frame != NULL; i++)
    if (strcmp(frame, frames[i].name) == 0)
      d.frame = frames[i].make;
  if (frame != NULL && d.frame == NULL)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "frame: '%s' is not gravity, pocket, body or motion", frame);
  if (features != NULL && frame != NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "frame: cannot be chosen with features=");
  if ((features != NULL || frame != NULL) && fr__spec_value(spec, "channels") != NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "channels: cannot be chosen with %s=",
                    features != NULL ? "features" : "frame");
  enum fr_status status = fr__spec_number(spec, "rate", 1, 1000, 0, &d.rate_hz, err);
  if (status == FR_OK)
    status = fr__spec_number(spec, "features_step", 0.025, 600, 1, &d.features_s, err);
  if (status == FR_OK)
    *out = d;
  return status;
}

/* Puts *made in the place of *data where `status` is FR_OK. */
static enum fr_status put(enum fr_status status, fr_dataset *const *made,
                          fr_dataset **data) {
  if (status == FR_OK) {
    fr_data_free(*data);
    *data = *made;
  }
  return status;
}

enum fr_status fr__derive(const fr__derivation *d, fr_dataset **data, fr_error *err) {
  fr_dataset *made = NULL;
  enum fr_status status = FR_OK;
  if (d->frame != NULL)
    status = put(d->frame(*data, &made, err), &made, data);
  if (status == FR_OK && d->rate_hz > 0 && d->rate_hz != (*data)->rate_hz)
    status = put(fr_dataset_resample(*data, d->rate_hz, &made, err), &made, data);
  if (status == FR_OK && d->features)
    status =
        put(fr_dataset_features(*data, LENGTH_S, d->features_s, &made, err), &made, data);
  return status;
}
