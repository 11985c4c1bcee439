/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/rewrite.h"

#include <string.h>

#include "base/error.h"

static bool is_dropped(const fr__rewrite *how, const fr__chain *chain, size_t i) {
  return how->drops && how->drops(how->self, chain, i);
}

static const char *behind(const fr__rewrite *how, const fr__chain *chain, size_t i) {
  return how->behind ? how->behind(how->self, chain, i) : NULL;
}

/* ---- text ---- */

static void write_chain(const fr__rewrite *how, const fr__chain *chain, fr__buf *buf);

static void write_layer(const fr__rewrite *how, const fr__layer *layer, fr__buf *buf) {
  if (layer->branch_count == 0) {
    fr__buf_add(buf, layer->text);
    return;
  }
  fr__buf_printf(buf, "%s(", layer->ops->name);
  for (size_t b = 0; b < layer->branch_count; b++) {
    fr__buf_add(buf, b > 0 ? " | " : "");
    write_chain(how, &layer->branch[b], buf);
  }
  fr__buf_add(buf, ")");
}

static void write_chain(const fr__rewrite *how, const fr__chain *chain, fr__buf *buf) {
  const char *space = "";
  for (size_t i = 0; i < chain->count; i++) {
    if (is_dropped(how, chain, i))
      continue;
    fr__buf_add(buf, space);
    space = " ";
    write_layer(how, &chain->layer[i], buf);
    const char *put = behind(how, chain, i);
    if (put)
      fr__buf_printf(buf, " %s", put);
  }
}

/* ---- layers ---- */

typedef struct walk {
  const fr__rewrite *how;
  fr__rewrite_visit *visit;
  void *self;
} walk;

static void walk_chain(const walk *w, const fr__chain *was, fr__chain *is, size_t j) {
  for (size_t i = 0; i < was->count; i++) {
    if (is_dropped(w->how, was, i))
      continue;
    fr__layer *layer = &is->layer[j++];
    for (size_t b = 0; b < layer->branch_count; b++)
      walk_chain(w, &was->layer[i].branch[b], &layer->branch[b], 0);
    const bool put = behind(w->how, was, i) != NULL;
    w->visit(w->self, &was->layer[i], layer, put ? &is->layer[j++] : NULL);
  }
}

void fr__rewrite_each(const fr_net *was, fr_net *is, const fr__rewrite *how,
                      fr__rewrite_visit *visit, void *self) {
  const walk w = {how, visit, self};
  walk_chain(&w, &was->chain, &is->chain, how->front ? 1 : 0);
}

static void copy_layer(void *self, const fr__layer *was, fr__layer *is,
                       const fr__layer *put) {
  (void)self;
  (void)put;
  for (size_t i = 0; i < was->tensor_count; i++)
    memcpy(is->tensor[i].value, was->tensor[i].value,
           was->tensor[i].count * sizeof(float));
}

enum fr_status fr__rewrite_net(const fr_net *net, const fr__rewrite *how, fr_net **out,
                               fr_error *err) {
  fr__buf buf;
  fr__buf_init(&buf, FR__NET_TEXT_CEILING);
  if (how->front)
    fr__buf_printf(&buf, "%s ", how->front);
  write_chain(how, &net->chain, &buf);
  enum fr_status status = buf.status;
  if (status != FR_OK)
    status = status == FR_ERR_MEMORY
                 ? fr__fail_memory(err, "the network's text")
                 : fr__fail(err, FR_ERR_LIMIT, "the network's text becomes too long");
  else
    status = fr_net_new(buf.text, net->input, net->classes, out, err);
  if (status == FR_OK)
    fr__rewrite_each(net, *out, how, copy_layer, NULL);
  fr__buf_release(&buf);
  return status;
}
