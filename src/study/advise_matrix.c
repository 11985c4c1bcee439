/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix that advise runs where the store has too little: written as a study file,
 * so that it means what a file would. */
#include "study/advise.h"

#include "base/buf.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static const char *const usual[] = {"small", "big"};

/* What is held against plain training, each for every network. Transfer comes in where
 * there is something to come from. */
static const char mechanisms[] = "  - {name: bf16, precision: bf16}\n"
                                 "  - {name: batch256, batch: 256}\n"
                                 "  - {name: half, prune: 'structured(0.5)'}\n"
                                 "  - {name: int8, quantize: int8}\n"
                                 "  - {name: half-int8, with: [half, int8]}\n";
static const char mechanism_names[] = "bf16, batch256, half, int8, half-int8";

/* In YAML's single quotes, where only they need a second one. */
static void quote(fr__buf *text, const char *word) {
  fr__buf_add(text, "'");
  for (; *word != '\0'; word++)
    fr__buf_add(text, *word == '\'' ? "''" : (const char[]){*word, '\0'});
  fr__buf_add(text, "'");
}

static void put(fr__buf *text, const char *key, const char *value) {
  if (value == NULL)
    return;
  fr__buf_printf(text, ", %s: ", key);
  quote(text, value);
}

static size_t networks_of(const fr_advise_options *o) {
  return o->networks != 0 ? o->networks : sizeof usual / sizeof *usual;
}

static const char *network_of(const fr_advise_options *o, size_t i) {
  return o->networks != 0 ? o->network[i] : usual[i];
}

static void put_networks(fr__buf *text, const fr_advise_options *o) {
  fr__buf_add(text, "networks:\n");
  for (size_t i = 0; i < networks_of(o); i++) {
    const char *name = network_of(o, i);
    fr__buf_printf(text, "  - {code: N%zu", i + 1);
    put(text, "name", name);
    fr__buf_add(text, "}\n");
  }
}

static void put_data(fr__buf *text, const fr_advise_options *o) {
  fr__buf_add(text, "data:\n  - {code: D, name: data");
  put(text, "spec", o->data);
  put(text, "task", o->task);
  put(text, "split", o->split);
  put(text, "validate", o->validate);
  if (o->window != 0)
    fr__buf_printf(text, ", window: %zu", o->window);
  if (o->step != 0)
    fr__buf_printf(text, ", step: %zu", o->step);
  fr__buf_add(text, "}\n");
}

/* Cut as the data are, or no network of theirs would fit; split in their own way. */
static void put_source(fr__buf *text, const fr_advise_options *o) {
  if (o->from == NULL)
    return;
  fr__buf_add(text, "  - {code: F, name: source");
  put(text, "spec", o->from);
  put(text, "task", o->task);
  if (o->window != 0)
    fr__buf_printf(text, ", window: %zu", o->window);
  if (o->step != 0)
    fr__buf_printf(text, ", step: %zu", o->step);
  fr__buf_add(text, "}\n");
}

/* All but the last network, the greatest of the usual ones, learn from that one, too. */
static void put_mechanisms(fr__buf *text, const fr_advise_options *o) {
  const size_t last = networks_of(o);
  fr__buf_printf(text, "mechanisms:\n%s", mechanisms);
  if (last > 1)
    fr__buf_printf(text, "  - {name: distilled, teacher: N%zu}\n", last);
  if (o->from != NULL)
    fr__buf_add(text, "  - {name: append}\n  - {name: replace}\n");
  fr__buf_printf(text, "groups:\n  - {name: advise, data: [D], mechanisms: [%s]}\n",
                 mechanism_names);
  for (size_t i = 1; i < last; i++)
    fr__buf_printf(text, "%sN%zu",
                   i == 1 ? "  - {name: taught, data: [D], networks: [" : ", ", i);
  if (last > 1)
    fr__buf_add(text, "], mechanisms: [distilled]}\n");
  if (o->from != NULL)
    fr__buf_add(text, "  - {name: transferred, data: [D], mechanisms: [append, replace], "
                      "source: F}\n");
}

static bool has_control(const char *text) {
  for (; text != NULL && *text != '\0'; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f)
      return true;
  return false;
}

enum fr_status fr_advise_study(const fr_advise_options *options, const char *intensity,
                               fr_study **out, fr_error *err) {
  const char *const words[] = {options->data,  options->from,     options->task,
                               options->split, options->validate, intensity};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (has_control(words[i]))
      return fr__fail(err, FR_ERR_ARGUMENT, "'%s' has a control character", words[i]);
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_add(&text, "name: advise\nrepeats: 5\n");
  if (intensity != NULL) {
    fr__buf_add(&text, "intensity: ");
    quote(&text, intensity);
    fr__buf_add(&text, "\n");
  }
  put_networks(&text, options);
  put_data(&text, options);
  put_source(&text, options);
  put_mechanisms(&text, options);
  enum fr_status status = text.status;
  if (status != FR_OK)
    fr__fail_memory(err, "a study");
  else
    status = fr_study_parse("advise", fr__buf_text(&text), text.length, out, err);
  fr__buf_release(&text);
  return status;
}
