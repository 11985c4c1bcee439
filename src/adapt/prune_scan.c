/* SPDX-License-Identifier: Apache-2.0 */
/* How much each layer minds: one at a time, at several amounts, without refinement. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/prune_graph.h"
#include "adapt/prune_mask.h"
#include "adapt/prune_run.h"
#include "base/buf.h"
#include "base/error.h"
#include "train/watch.h"

void fr_prune_scan_release(fr_prune_scan *scan) {
  for (size_t i = 0; scan->layer != NULL && i < scan->layers; i++)
    free(scan->layer[i]);
  free(scan->layer);
  free(scan->amount);
  free(scan->accuracy);
  *scan = (fr_prune_scan){0};
}

/* "3.1 conv1d(64,5)": numbers as people count. */
static char *name_of(const fr__path *path, const char *what) {
  fr__buf name;
  fr__buf_init(&name, 0);
  for (size_t i = 0; i < path->count; i++)
    fr__buf_printf(&name, "%s%zu", i > 0 ? "." : "", path->number[i] + 1);
  fr__buf_printf(&name, " %s", what);
  char *text = fr__buf_detach(&name);
  fr__buf_release(&name);
  return text;
}

static enum fr_status init_scan(fr_prune_scan *scan, size_t layers, const double *amount,
                                size_t amounts, fr_error *err) {
  scan->amounts = amounts;
  scan->layer = calloc(layers + 1, sizeof *scan->layer);
  scan->amount = calloc(amounts + 1, sizeof *scan->amount);
  scan->accuracy = calloc(layers * amounts + 1, sizeof *scan->accuracy);
  if (scan->layer == NULL || scan->amount == NULL || scan->accuracy == NULL)
    return fr__fail_memory(err, "the scan of layers");
  memcpy(scan->amount, amount, amounts * sizeof *amount);
  return FR_OK;
}

static enum fr_status add_layer(fr_prune_scan *scan, char *name, fr_error *err) {
  if (name == NULL)
    return fr__fail_memory(err, "the scan of layers");
  scan->layer[scan->layers++] = name;
  return FR_OK;
}

/* ---- units ---- */

typedef struct units {
  fr__pruning *p;
  fr__prune_graph graph;
  double *score; /* (units) */
  bool *gone;    /* (units) */
} units;

static enum fr_status scan_maker(units *u, size_t maker, fr_prune_scan *scan,
                                 fr_error *err) {
  double *accuracy = scan->accuracy + scan->layers * scan->amounts;
  const fr__layer *layer = u->graph.maker[maker].layer;
  enum fr_status status = FR_OK;
  size_t count = 0;
  for (size_t i = 0; i < scan->amounts && status == FR_OK; i++) {
    fr_net *net = NULL;
    count = fr__prune_choose_in(&u->graph, maker, scan->amount[i], u->score, u->gone);
    if (count == 0)
      return FR_OK;
    status = count != SIZE_MAX
                 ? fr__prune_without(&u->graph, u->p->net, u->gone, &net, err)
                 : fr__fail_memory(err, "the scan of layers");
    if (status == FR_OK)
      status = fr__prune_validate(u->p, net, &accuracy[i], err);
    fr_net_free(net);
  }
  return status == FR_OK ? add_layer(scan, name_of(&layer->path, layer->text), err)
                         : status;
}

static enum fr_status scan_units(fr__pruning *p, const double *amount, size_t amounts,
                                 fr_prune_scan *scan, fr_error *err) {
  units u = {.p = p};
  enum fr_status status = fr__prune_graph_init(&u.graph, p->net, err);
  u.score = calloc(u.graph.units + 1, sizeof *u.score);
  u.gone = calloc(u.graph.units + 1, sizeof *u.gone);
  if (status == FR_OK && (u.score == NULL || u.gone == NULL))
    status = fr__fail_memory(err, "the scan of layers");
  if (status == FR_OK)
    status = fr__prune_score_units(p, &u.graph, p->net, u.score, err);
  if (status == FR_OK)
    status = init_scan(scan, u.graph.makers, amount, amounts, err);
  for (size_t m = 0; m < u.graph.makers && status == FR_OK; m++)
    status = scan_maker(&u, m, scan, err);
  free(u.score);
  free(u.gone);
  fr__prune_graph_release(&u.graph);
  return status;
}

/* ---- single weights ---- */

/* Keeps all but what the mask of all tensors drops in one of them. */
static void apply_in(const fr__prune_mask *mask, const fr_net *from, size_t wanted,
                     fr_net *net) {
  size_t at = 0;
  for (size_t t = 0; t < from->tensor_count; t++) {
    const fr_tensor *tensor = &from->tensor[t];
    if (!fr__prune_is_product(tensor))
      continue;
    for (size_t k = 0; t == wanted && k < tensor->count; k++)
      net->tensor[t].value[k] = mask->keep[at + k] != 0 ? tensor->value[k] : 0;
    at += tensor->count;
  }
}

static enum fr_status scan_tensor(fr__pruning *p, fr__prune_mask *mask, size_t tensor,
                                  fr_prune_scan *scan, fr_error *err) {
  double *accuracy = scan->accuracy + scan->layers * scan->amounts;
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < scan->amounts && status == FR_OK; i++) {
    fr_net *net = NULL;
    status = fr__prune_clone(p->net, &net, err);
    if (status == FR_OK) {
      fr__prune_mask_choose(mask, p->net, scan->amount[i], false);
      apply_in(mask, p->net, tensor, net);
      status = fr__prune_validate(p, net, &accuracy[i], err);
    }
    fr_net_free(net);
  }
  return status == FR_OK ? add_layer(scan, strdup(p->net->tensor[tensor].name), err)
                         : status;
}

static enum fr_status scan_weights(fr__pruning *p, const double *amount, size_t amounts,
                                   fr_prune_scan *scan, fr_error *err) {
  fr__prune_mask mask = {0};
  enum fr_status status = init_scan(scan, p->net->tensor_count, amount, amounts, err);
  if (status == FR_OK)
    status =
        fr__prune_mask_init(&mask, p->net, p->prune->criterion == FR_PRUNE_TAYLOR, err);
  if (status == FR_OK)
    status = fr__prune_score_weights(p, &mask, p->net, err);
  for (size_t t = 0; t < p->net->tensor_count && status == FR_OK; t++)
    if (fr__prune_is_product(&p->net->tensor[t]))
      status = scan_tensor(p, &mask, t, scan, err);
  fr__prune_mask_release(&mask);
  return status;
}

enum fr_status
fr_prune_scan_run(fr_net *net, const fr_samples *train, const fr_samples *validate,
                  const fr_train_options *options, const fr_prune_options *prune,
                  const double *amount, size_t amounts, const fr_observer *observer,
                  const fr_budget *budget, fr_prune_scan *out, fr_error *err) {
  fr_prune_scan scan = {0};
  fr__pruning p = {.net = net,
                   .train = train,
                   .validate = validate,
                   .options = options,
                   .prune = prune,
                   .observer = observer,
                   .budget = budget};
  if (validate == NULL || validate->count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "a scan needs a validation side");
  fr__phase_begin(observer, "scan");
  enum fr_status status = fr__prune_validate(&p, net, &scan.before, err);
  if (status == FR_OK)
    status = prune->kind == FR_PRUNE_STRUCTURED
                 ? scan_units(&p, amount, amounts, &scan, err)
                 : scan_weights(&p, amount, amounts, &scan, err);
  fr__phase_end(observer);
  if (status == FR_OK) {
    scan.operations = p.result.operations;
    *out = scan;
  } else {
    fr_prune_scan_release(&scan);
  }
  return status;
}
