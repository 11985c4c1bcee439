/* SPDX-License-Identifier: Apache-2.0 */
#include "train/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/safetensors.h"
#include "train/identity.h"
#include "train/precision.h"
#include "train/run.h"

static const char FORMAT[] = "frugal checkpoint 1";
static const char NOT_OURS[] = "'%s' holds a state that no run can be in: its %s";

/* The words of the tensor "state", and of each row of "history". Doubles are kept as
 * their bits (IEEE 754). */
enum {
  S_EPOCHS, /* whole ones */
  S_AT,
  S_LOSS,
  S_WEIGHT,
  S_FINISHED,
  S_STOP,
  S_STEPS,
  S_OPTIMIZER_STEPS,
  S_OPERATIONS,
  S_BEST_EPOCH,
  S_BEST_LOSS,
  S_BEST_ACCURACY,
  S_RANDOM,
  STATE_WORDS = S_RANDOM + 4
};
enum { H_STEP, H_TRAIN_LOSS, H_LOSS, H_ACCURACY, H_RATE, H_BEST, HISTORY_WORDS };

static uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static double double_of(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* ---- between a run and words ---- */

static void pack_state(const fr__run *r, uint64_t state[STATE_WORDS]) {
  const fr_train_result *result = &r->result;
  state[S_EPOCHS] = result->epochs;
  state[S_AT] = r->at;
  state[S_LOSS] = bits_of(r->loss);
  state[S_WEIGHT] = bits_of(r->weight);
  state[S_FINISHED] = r->finished;
  state[S_STOP] = r->finished ? result->stop : FR_STOP_EPOCHS;
  state[S_STEPS] = result->steps;
  state[S_OPTIMIZER_STEPS] = fr_optimizer_steps(r->optimizer);
  state[S_OPERATIONS] = result->operations;
  state[S_BEST_EPOCH] = result->best_epoch;
  state[S_BEST_LOSS] = bits_of(result->best_validate_loss);
  state[S_BEST_ACCURACY] = bits_of(result->best_validate_accuracy);
  fr_net_get_random(r->net, state + S_RANDOM);
}

static void unpack_state(fr__run *r, const uint64_t state[STATE_WORDS]) {
  fr_train_result *result = &r->result;
  result->epochs = (size_t)state[S_EPOCHS];
  r->at = (size_t)state[S_AT];
  r->loss = double_of(state[S_LOSS]);
  r->weight = double_of(state[S_WEIGHT]);
  r->finished = state[S_FINISHED] == 1;
  result->stop = (enum fr_stop)state[S_STOP];
  result->steps = result->resumed_from = (size_t)state[S_STEPS];
  fr_optimizer_set_steps(r->optimizer, state[S_OPTIMIZER_STEPS]);
  result->operations = state[S_OPERATIONS];
  result->best_epoch = (size_t)state[S_BEST_EPOCH];
  result->best_validate_loss = double_of(state[S_BEST_LOSS]);
  result->best_validate_accuracy = double_of(state[S_BEST_ACCURACY]);
  fr_net_set_random(r->net, state + S_RANDOM);
}

static void pack_epoch(const fr_epoch *epoch, uint64_t *row) {
  row[H_STEP] = epoch->step;
  row[H_TRAIN_LOSS] = bits_of(epoch->train_loss);
  row[H_LOSS] = bits_of(epoch->validate_loss);
  row[H_ACCURACY] = bits_of(epoch->validate_accuracy);
  row[H_RATE] = bits_of(epoch->rate);
  row[H_BEST] = epoch->best;
}

static fr_epoch unpack_epoch(const uint64_t *row, size_t epoch, size_t epochs) {
  return (fr_epoch){.epoch = epoch,
                    .epochs = epochs,
                    .step = (size_t)row[H_STEP],
                    .train_loss = double_of(row[H_TRAIN_LOSS]),
                    .validate_loss = double_of(row[H_LOSS]),
                    .validate_accuracy = double_of(row[H_ACCURACY]),
                    .rate = double_of(row[H_RATE]),
                    .best = row[H_BEST] == 1};
}

/* Rows of the history: whole epochs and the one that is going on. */
static size_t history_rows(const uint64_t state[STATE_WORDS]) {
  return (size_t)(state[S_EPOCHS] + (state[S_AT] > 0));
}

static void unpack_history(fr__run *r, const uint64_t *history) {
  const size_t rows = r->result.epochs + (r->at > 0);
  for (size_t i = 0; i < rows; i++) {
    r->now = unpack_epoch(history + i * HISTORY_WORDS, i + 1, r->options->epochs);
    if (i < r->result.epochs)
      r->result.history[i] = r->now;
  }
}

/* ---- what no run can have written ---- */

static bool possible_place(const fr__run *r, const uint64_t *state) {
  const uint64_t epochs = r->options->epochs, per_epoch = fr__run_steps_per_epoch(r);
  const uint64_t stride = fr__run_stride(r), at = state[S_AT];
  if (state[S_EPOCHS] > epochs || at > r->train.count ||
      (at > 0 && state[S_EPOCHS] == epochs) || (at % stride != 0 && at != r->train.count))
    return false;
  const uint64_t steps = state[S_EPOCHS] * per_epoch + (at + stride - 1) / stride;
  return state[S_STEPS] == steps && state[S_OPTIMIZER_STEPS] == steps && steps > 0;
}

static bool possible_end(const fr__run *r, const uint64_t *state) {
  if (state[S_FINISHED] > 1 || state[S_STOP] > FR_STOP_TARGET)
    return false;
  const bool all = state[S_EPOCHS] == r->options->epochs;
  if (state[S_FINISHED] == 0)
    return !all && state[S_STOP] == FR_STOP_EPOCHS;
  return state[S_AT] == 0 && (all || state[S_STOP] != FR_STOP_EPOCHS);
}

static bool possible_history(const uint64_t *state, const uint64_t *history) {
  uint64_t steps = 0;
  for (size_t i = 0; i < history_rows(state); i++, history += HISTORY_WORDS) {
    if (history[H_STEP] <= steps || history[H_STEP] > state[S_STEPS] ||
        history[H_BEST] > 1 || !isfinite(double_of(history[H_TRAIN_LOSS])))
      return false;
    steps = history[H_STEP];
  }
  return true;
}

static bool possible_best(const uint64_t *state) {
  const bool none = state[S_EPOCHS] == 0;
  return state[S_BEST_EPOCH] <= state[S_EPOCHS] && none == (state[S_BEST_EPOCH] == 0);
}

/* What is wrong with it, or NULL. */
static const char *impossible(const fr__run *r, const uint64_t *state) {
  if (!possible_place(r, state))
    return "place among the steps";
  if (!possible_end(r, state))
    return "end";
  if (!possible_best(state))
    return "best epoch";
  if (!isfinite(double_of(state[S_LOSS])) || !(double_of(state[S_WEIGHT]) >= 0))
    return "loss";
  const uint64_t *random = state + S_RANDOM;
  return (random[0] | random[1] | random[2] | random[3]) == 0 ? "random state" : NULL;
}

/* ---- tensors ---- */

static fr_tensor one_tensor(const char *name, float *value, size_t count) {
  fr_tensor tensor = {.rank = 1, .shape = {count}, .count = count, .value = value};
  (void)snprintf(tensor.name, sizeof tensor.name, "%s", name);
  return tensor;
}

/* The network's tensors, "best" and "moments" as they are in `r`: *tensor is the caller's
 * (free), what it points to is not. */
static enum fr_status list_tensors(const fr__run *r, fr_tensor **tensor, size_t *count,
                                   fr_error *err) {
  size_t weights, moments;
  const fr_tensor *own = fr_net_tensors(r->net, &weights);
  float *moment = fr_optimizer_state(r->optimizer, &moments);
  fr_tensor *all = calloc(weights + 2, sizeof *all);
  if (all == NULL)
    return fr__fail_memory(err, "the tensors of a checkpoint");
  memcpy(all, own, weights * sizeof *all);
  all[weights] = one_tensor("best", r->best.value, r->best.count);
  all[weights + 1] = one_tensor("moments", moment, moments);
  *count = weights + 1 + (moments > 0); /* plain descent has none */
  *tensor = all;
  return FR_OK;
}

/* ---- writing ---- */

static enum fr_status make_metadata(const json_t *identity, const char *note,
                                    json_t **out, fr_error *err) {
  json_t *text = json_string(note), *metadata = NULL;
  if (text == NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "a checkpoint's note is no UTF-8 text");
  metadata = json_pack("{s:s, s:o}", "format", FORMAT, "note", text);
  if (metadata == NULL || json_object_update(metadata, (json_t *)identity) != 0) {
    json_decref(metadata);
    return fr__fail_memory(err, "the metadata of a checkpoint");
  }
  *out = metadata;
  return FR_OK;
}

enum fr_status fr__state_write(const struct fr__run *r, const char *path,
                               const json_t *identity, const char *note, fr_error *err) {
  uint64_t state[STATE_WORDS];
  pack_state(r, state);
  const size_t rows = history_rows(state);
  uint64_t *history = calloc(rows * HISTORY_WORDS, sizeof *history);
  json_t *metadata = NULL;
  fr_tensor *tensor = NULL;
  size_t count;
  enum fr_status status = make_metadata(identity, note, &metadata, err);
  if (status == FR_OK && history == NULL)
    status = fr__fail_memory(err, path);
  if (status != FR_OK)
    goto done;
  for (size_t i = 0; i < rows; i++)
    pack_epoch(i < r->result.epochs ? &r->result.history[i] : &r->now,
               history + i * HISTORY_WORDS);
  status = list_tensors(r, &tensor, &count, err);
  if (status != FR_OK)
    goto done;
  const fr__words words[] = {{"state", state, STATE_WORDS},
                             {"history", history, rows * HISTORY_WORDS}};
  status = fr__safetensors_write_sealed(path, metadata, words, 2, tensor, count, err);
done:
  free(tensor);
  json_decref(metadata);
  free(history);
  return status;
}

/* ---- reading ---- */

static enum fr_status check_identity(const fr__safetensors *file, const json_t *identity,
                                     fr_error *err) {
  const char *format = fr__safetensors_text(file, "format");
  if (format == NULL || strcmp(format, FORMAT) != 0)
    return fr__fail(err, FR_ERR_FORMAT, "'%s' is not a '%s'", file->path, FORMAT);
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)identity, key, value) {
    const char *here = json_string_value(value), *there = fr__safetensors_text(file, key);
    if (there == NULL)
      return fr__fail(err, FR_ERR_FORMAT, "'%s' does not tell its %s", file->path, key);
    if (strcmp(there, here) != 0)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "'%s' is a checkpoint of another run: its %s is '%.80s', this "
                      "run's is '%.80s'",
                      file->path, key, there, here);
  }
  return FR_OK;
}

/* The words of the file; *history is the caller's (free). */
static enum fr_status read_words(const fr__run *r, const fr__safetensors *file,
                                 uint64_t state[STATE_WORDS], uint64_t **history,
                                 fr_error *err) {
  const fr__words words = {"state", state, STATE_WORDS};
  if (fr__safetensors_word_count(file, "state") != STATE_WORDS || file->words != 2)
    return fr__fail(err, FR_ERR_FORMAT, "'%s' holds no state of a run", file->path);
  fr__safetensors_fill_words(file, &words);
  const char *wrong = impossible(r, state);
  if (wrong != NULL)
    return fr__fail(err, FR_ERR_FORMAT, NOT_OURS, file->path, wrong);
  const size_t count = history_rows(state) * HISTORY_WORDS;
  if (fr__safetensors_word_count(file, "history") != count)
    return fr__fail(err, FR_ERR_FORMAT, NOT_OURS, file->path, "history");
  *history = calloc(count, sizeof **history);
  if (*history == NULL)
    return fr__fail_memory(err, file->path);
  fr__safetensors_fill_words(file, &(fr__words){"history", *history, count});
  return possible_history(state, *history)
             ? FR_OK
             : fr__fail(err, FR_ERR_FORMAT, NOT_OURS, file->path, "history");
}

/* Reads all tensors beside, then copies: a file that fails amid it changes nothing. */
static enum fr_status read_tensors(const fr__run *r, const fr__safetensors *file,
                                   fr_error *err) {
  fr_tensor *to = NULL;
  size_t count, total = 0, at = 0;
  enum fr_status status = list_tensors(r, &to, &count, err);
  if (status != FR_OK)
    return status;
  fr_tensor *from = calloc(count, sizeof *from);
  for (size_t i = 0; i < count; i++)
    total += to[i].count;
  float *values = calloc(total, sizeof *values);
  if (from == NULL || values == NULL) {
    status = fr__fail_memory(err, file->path);
    goto done;
  }
  for (size_t i = 0; i < count; i++) {
    from[i] = to[i];
    from[i].value = values + at;
    at += to[i].count;
  }
  status = fr__safetensors_fill(file, from, count, err);
  for (size_t i = 0; i < count && status == FR_OK; i++)
    memcpy(to[i].value, from[i].value, to[i].count * sizeof *values);
done:
  free(values);
  free(from);
  free(to);
  return status;
}

static enum fr_status read_open(fr__run *r, const fr__safetensors *file,
                                const json_t *identity, char **note, fr_error *err) {
  uint64_t state[STATE_WORDS], *history = NULL;
  char *text = NULL;
  enum fr_status status = check_identity(file, identity, err);
  if (status == FR_OK)
    status = read_words(r, file, state, &history, err);
  if (status == FR_OK) {
    const char *kept = fr__safetensors_text(file, "note");
    text = strdup(kept != NULL ? kept : "");
    if (text == NULL)
      status = fr__fail_memory(err, file->path);
  }
  if (status == FR_OK)
    status = read_tensors(r, file, err);
  if (status == FR_OK && r->undecided)
    status = fr__precision_adopt(r, fr__safetensors_text(file, FR__IDENTITY_PRECISION),
                                 file->path, err);
  if (status == FR_OK) {
    unpack_state(r, state);
    unpack_history(r, history);
    *note = text;
    text = NULL;
  }
  free(text);
  free(history);
  return status;
}

enum fr_status fr__state_read(struct fr__run *r, const char *path, const json_t *identity,
                              char **note, fr_error *err) {
  fr__safetensors file;
  enum fr_status status = fr__safetensors_open_sealed(&file, path, err);
  if (status == FR_OK)
    status = read_open(r, &file, identity, note, err);
  fr__safetensors_release(&file);
  return status;
}
