/* SPDX-License-Identifier: Apache-2.0 */
#include "study/opening.h"

#include "base/buf.h"
#include "base/hash.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fr__opening_protocol(const fr__opened *opened, char hex[FR__OPENING_HEX]) {
  snprintf(hex, FR__OPENING_HEX, "%016" PRIx64,
           fr_prepared_protocol(opened->prepared, opened->data, opened->task));
}

void fr__opening_model(const fr_net *net, char hex[FR__OPENING_HEX]) {
  const char *text = fr_net_text(net);
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  fr__hash hash;
  fr__hash_init(&hash, 0);
  fr__hash_add(&hash, text, strlen(text) + 1);
  for (size_t i = 0; i < count; i++)
    fr__hash_add(&hash, tensor[i].value, tensor[i].count * sizeof *tensor[i].value);
  snprintf(hex, FR__OPENING_HEX, "%016" PRIx64, fr__hash_value(&hash));
}

char *fr__opening_terms(const fr__opened *opened) {
  const fr_prepared *p = opened->prepared;
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_printf(&text, "%s, split %s", fr_task_name(opened->task), opened->split);
  if (opened->fold > 0)
    fr__buf_printf(&text, ", fold %zu", opened->fold + 1);
  if (p->data->rate_hz > 0)
    fr__buf_printf(&text, "; windows of %zu steps, %zu apart, %g Hz", p->windows.length,
                   p->windows.step, p->data->rate_hz);
  fr__buf_printf(&text, "; %zu of them", p->split.count[FR_SIDE_TEST]);
  return fr__buf_detach(&text);
}

json_t *fr__opening_json(const fr__opened *opened, const fr_net *net) {
  char protocol[FR__OPENING_HEX], model[FR__OPENING_HEX];
  char *terms = fr__opening_terms(opened);
  fr__opening_protocol(opened, protocol);
  fr__opening_model(net, model);
  json_t *out =
      json_pack("{s:s, s:s, s:s, s:s}", "protocol", protocol, "data", opened->data->spec,
                "terms", terms != NULL ? terms : "", "model", model);
  free(terms);
  return out;
}

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text != NULL ? text : "";
}

static double figure_of(const json_t *test, const char *key) {
  const json_t *value = json_object_get(json_object_get(test, key), "value");
  return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

void fr__opening_of_cell(fr_store *store, int64_t run, json_t *result) {
  json_t *test = json_object_get(result, "test");
  const json_t *told = json_object_get(test, "opening");
  size_t count = 0;
  if (told == NULL)
    return;
  fr_opening opening = {.protocol = text_of(told, "protocol"),
                        .run = run,
                        .command = "study",
                        .data = text_of(told, "data"),
                        .terms = text_of(told, "terms"),
                        .network = text_of(result, "architecture"),
                        .model = text_of(told, "model"),
                        .seed =
                            (uint64_t)json_integer_value(json_object_get(result, "seed")),
                        .accuracy = figure_of(test, "accuracy"),
                        .macro_f1 = figure_of(test, "macro_f1"),
                        .weighted_f1 = figure_of(test, "weighted_f1"),
                        .balanced_accuracy = figure_of(test, "balanced_accuracy")};
  const bool logged =
      fr_store_opening_add(store, &opening, &opening.id, &count, NULL) == FR_OK &&
      fr_store_opening_found(store, &opening, NULL) == FR_OK;
  json_object_set_new(test, "openings",
                      logged ? json_integer((json_int_t)count) : json_null());
}
