/* SPDX-License-Identifier: Apache-2.0 */
#include "frugal/model.h"

#include <stdlib.h>

#include "base/error.h"
#include "model/metadata.h"
#include "model/narrow.h"
#include "model/safetensors.h"
#include "model/sparse.h"

void fr_model_release(fr_model *model) {
  if (model == NULL)
    return;
  fr_net_free(model->net);
  fr_names_release(&model->classes);
  fr_int8_ranges_release(&model->ranges);
  fr_normalizer_release(&model->normalizer);
  fr_names_release(&model->channels);
  free(model->task);
  free(model->data);
  free(model->split);
  free(model->validate);
  free(model->frames);
  free(model->provenance);
  *model = (fr_model){0};
}

enum fr_status fr_model_save(const fr_model *model, const char *path, fr_error *err) {
  if (model->net == NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' is not written: the model has no network",
                    path);
  json_t *metadata = NULL;
  enum fr_status status = fr__metadata_write(model, path, &metadata, err);
  if (status != FR_OK)
    return status;
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(model->net, &count);
  if (model->scheme != FR_SCHEME_F32)
    status = fr__narrow_write(model, metadata, path, err);
  else if (fr__sparse_pays(tensor, count))
    status = fr__sparse_write(path, metadata, tensor, count, err);
  else
    status = fr__safetensors_write(path, metadata, tensor, count, err);
  json_decref(metadata);
  return status;
}

static enum fr_status fill(const fr__safetensors *file, fr_model *model, fr_error *err) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(model->net, &count);
  if (model->scheme != FR_SCHEME_F32)
    return fr__narrow_fill(file, model, err);
  return fr__sparse_is(file, tensor, count)
             ? fr__sparse_fill(file, tensor, count, err)
             : fr__safetensors_fill(file, tensor, count, err);
}

enum fr_status fr_model_load(fr_model *model, const char *path, fr_error *err) {
  fr__safetensors file;
  fr_model loaded = {0};
  enum fr_status status = fr__safetensors_open(&file, path, err);
  if (status == FR_OK)
    status = fr__metadata_read(&file, &loaded, err);
  if (status == FR_OK)
    status = fill(&file, &loaded, err);
  if (status == FR_OK)
    *model = loaded;
  else
    fr_model_release(&loaded);
  fr__safetensors_release(&file);
  return status;
}
