/* SPDX-License-Identifier: Apache-2.0 */
#include "train/identity.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "nn/net.h" /* for the name of the kernels, on which the last bits depend */
#include "train/run.h"

static void set(json_t *to, bool *done, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void set(json_t *to, bool *done, const char *key, const char *format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  *done = json_object_set_new(to, key, json_string(text)) == 0 && *done;
}

/* Of any length; NULL is "". */
static void set_text(json_t *to, bool *done, const char *key, const char *text) {
  *done =
      json_object_set_new(to, key, json_string(text != NULL ? text : "")) == 0 && *done;
}

static void set_digest(json_t *to, bool *done, const char *key, const fr__hash *hash) {
  set(to, done, key, "%016" PRIx64, fr__hash_value(hash));
}

/* A text that may be no UTF-8, as paths are: then its digest. */
static void set_foreign(json_t *to, bool *done, const char *key, const char *text) {
  json_t *value = text != NULL ? json_string(text) : NULL;
  if (text == NULL || value != NULL)
    set_text(to, done, key, text);
  else
    set(to, done, key, "%016" PRIx64, fr__hash_bytes(text, strlen(text)));
  json_decref(value);
}

/* Floats with all their digits: nine bring each back. */
static void set_float(json_t *to, bool *done, const char *key, float value) {
  set(to, done, key, "%.9g", (double)value);
}

static void set_floats(json_t *to, bool *done, const char *key, const float *x,
                       size_t count) {
  if (x == NULL) {
    set_text(to, done, key, "none");
    return;
  }
  fr__hash hash;
  fr__hash_init(&hash, 0);
  fr__hash_add(&hash, x, count * sizeof *x);
  set_digest(to, done, key, &hash);
}

static void set_weights(json_t *to, bool *done, const char *key, const fr_net *net) {
  if (net == NULL) {
    set_text(to, done, key, "none");
    return;
  }
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  fr__hash hash;
  fr__hash_init(&hash, 0);
  fr__hash_add(&hash, fr_net_text(net), strlen(fr_net_text(net)));
  for (size_t i = 0; i < count; i++)
    fr__hash_add(&hash, tensor[i].value, tensor[i].count * sizeof(float));
  set_digest(to, done, key, &hash);
}

static void set_samples(json_t *to, bool *done, const char *key, const fr__feed *feed) {
  fr__hash hash;
  fr__hash_init(&hash, 0);
  fr__hash_add(&hash, &feed->count, sizeof feed->count);
  for (size_t i = 0; i < feed->count; i++)
    fr__hash_add(&hash, feed->x[i], feed->width * sizeof(float));
  if (feed->label != NULL)
    fr__hash_add(&hash, feed->label, feed->count * sizeof *feed->label);
  if (feed->value != NULL)
    fr__hash_add(&hash, feed->value, feed->count * feed->values * sizeof *feed->value);
  if (feed->length != NULL)
    fr__hash_add(&hash, feed->length, feed->count * sizeof *feed->length);
  set_digest(to, done, key, &hash);
}

static void set_loss(json_t *to, bool *done, const fr_loss_options *o, size_t classes) {
  set_text(to, done, "loss", fr_loss_name(o->kind));
  set_float(to, done, "label smoothing", o->label_smoothing);
  set_float(to, done, "focal exponent", o->focal);
  set_floats(to, done, "class weights", o->class_weight, classes);
  set_floats(to, done, "positive weights", o->positive_weight, classes);
  set_float(to, done, "share of distillation", o->distill);
  set_float(to, done, "temperature", o->temperature);
}

static void set_optimizer(json_t *to, bool *done, const fr_optimizer_options *o) {
  set_text(to, done, "optimizer", fr_optimizer_name(o->kind));
  set_float(to, done, "learning rate", o->learning_rate);
  set_float(to, done, "momentum", o->momentum);
  set_text(to, done, "Nesterov's momentum", o->nesterov ? "yes" : "no");
  set_float(to, done, "alpha", o->alpha);
  set_float(to, done, "beta1", o->beta1);
  set_float(to, done, "beta2", o->beta2);
  set_float(to, done, "epsilon", o->epsilon);
  set_float(to, done, "weight decay", o->weight_decay);
  set_float(to, done, "clipped norm", o->clip_norm);
  set_float(to, done, "clipped value", o->clip_value);
}

static void set_schedule(json_t *to, bool *done, const fr_schedule *o) {
  set(to, done, "schedule", "kind %d (%.17g, %.17g, %.17g, %.17g, %.17g, %.17g)",
      (int)o->kind, o->factor, o->every, o->final, o->start, o->rise, o->warmup);
}

/* What it knows of the channels belongs to the caller's data, as their names do. */
static void set_augment(json_t *to, bool *done, const fr_augment *augment) {
  char text[FR_AUGMENT_ITEMS * 64] = "";
  if (augment != NULL)
    fr_augment_describe(augment, text, sizeof text);
  set_text(to, done, "augmentation", text);
}

static void set_options(json_t *to, bool *done, const fr_train_options *o,
                        size_t layers) {
  set(to, done, "number of epochs", "%zu", o->epochs);
  set(to, done, "batch", "%zu", o->batch);
  set(to, done, "number of batches before an update", "%zu",
      o->accumulate > 1 ? o->accumulate : 1);
  set(to, done, "patience", "%zu", o->patience);
  set(to, done, "seed", "%" PRIu64, o->seed);
  set(to, done, "first trained layer", "%zu", o->first_trained + 1);
  if (o->unfreeze > 0)
    set(to, done, "gradual unfreezing", "every %zu epochs, to layer %zu", o->unfreeze,
        o->unfreeze_to + 1);
  else
    set_text(to, done, "gradual unfreezing", "none");
  set_floats(to, done, "learning rates of the layers", o->rate_scale, layers);
  set_augment(to, done, o->augment);
  set_text(to, done, "balanced sampling", o->balanced ? "yes" : "no");
}

json_t *fr__identity_new(const struct fr__run *r) {
  const fr_train_options *o = r->options;
  json_t *to = json_object();
  bool done = to != NULL;
  set_text(to, &done, "architecture", fr_net_text(r->net));
  set(to, &done, "input", "(%zu, %zu)", fr_net_input(r->net).steps,
      fr_net_input(r->net).channels);
  set(to, &done, "number of classes", "%zu", fr_net_classes(r->net));
  set_options(to, &done, o, r->layers);
  set_loss(to, &done, &o->loss, fr_net_classes(r->net));
  set_optimizer(to, &done, &o->optimizer);
  set_schedule(to, &done, &o->schedule);
  set_samples(to, &done, "training samples", &r->train);
  set_samples(to, &done, "validation samples", &r->validate);
  set_weights(to, &done, "initial weights", r->net);
  set_weights(to, &done, "teacher", o->teacher);
  if (!r->undecided) /* else the newest checkpoint tells, or a trial */
    set_text(to, &done, FR__IDENTITY_PRECISION,
             fr_train_precision_name((enum fr_train_precision)r->result.precision));
  set_foreign(to, &done, "caller's identity", o->checkpoint->identity);
  set_text(to, &done, "set of kernels", fr__kern_name(&r->net->kern));
  set_text(to, &done, "program's version", FR_VERSION);
  if (done)
    return to;
  json_decref(to);
  return NULL;
}
