/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases of tests/golden/layers.py: reading its files, making the numbers that they leave
 * out, one step of training, and comparing.
 */
#ifndef FR_TESTS_NN_GOLDEN_H
#define FR_TESTS_NN_GOLDEN_H

#include <math.h>

#include "made.h"

#include "nn/net.h"

#define GOLDEN_ENTRIES ((size_t)1 << 13) /* ceilings of a file */
#define GOLDEN_NUMBERS ((size_t)1 << 17)
#define GOLDEN_CURVE 10 /* steps */

#if defined __SANITIZE_ADDRESS__
#define SANITIZED true
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* A word, what stands behind it, and the numbers of the lines below. */
typedef struct golden_entry {
  char word[16], text[240];
  const double *number;
  size_t count;
} golden_entry;

typedef struct golden_file {
  golden_entry *entry;
  double *number;
  size_t entry_count, number_count;
} golden_file;

/* ---- the file ---- */

static inline void golden_add_entry(golden_file *file, const char *line) {
  assert_true(file->entry_count < GOLDEN_ENTRIES);
  golden_entry *entry = &file->entry[file->entry_count++];
  assert_true(sscanf(line, "%15s %239[^\n]", entry->word, entry->text) >= 1);
  entry->number = file->number + file->number_count;
}

static inline void golden_add_numbers(golden_file *file, const char *line) {
  assert_true(file->entry_count > 0);
  for (char *end = NULL;; line = end) {
    const double value = strtod(line, &end);
    if (end == line)
      break;
    assert_true(file->number_count < GOLDEN_NUMBERS);
    file->number[file->number_count++] = value;
    file->entry[file->entry_count - 1].count++;
  }
  assert_string_equal(line, "\n");
}

/* tests/golden/NAME; the caller's, golden_free. */
static inline golden_file *golden_new(const char *name) {
  golden_file *file = calloc(1, sizeof *file);
  file->entry = calloc(GOLDEN_ENTRIES, sizeof *file->entry);
  file->number = calloc(GOLDEN_NUMBERS, sizeof *file->number);
  char line[512];
  snprintf(line, sizeof line, "%s/%s", GOLDEN, name);
  FILE *stream = fopen(line, "r");
  if (!stream)
    fail_msg("'%s' cannot be read", line);
  while (fgets(line, sizeof line, stream)) {
    assert_non_null(strchr(line, '\n'));
    if (line[0] == ' ')
      golden_add_numbers(file, line);
    else if (line[0] != '#' && line[0] != '\n')
      golden_add_entry(file, line);
  }
  fclose(stream);
  return file;
}

static inline void golden_free(golden_file *file) {
  free(file->entry);
  free(file->number);
  free(file);
}

/* ---- numbers from the hash ---- */

/* splitmix64 (Steele et al. 2014) of FNV-1a of the name, the seed and the index. */
static inline uint64_t golden_bits(const char *name, uint32_t seed, size_t index) {
  uint32_t key = 0x811c9dc5u;
  for (; *name; name++)
    key = (key ^ (unsigned char)*name) * 0x01000193u;
  uint64_t z = ((uint64_t)(key ^ seed) << 32 | index) + 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* A whole number in [0, n). */
static inline size_t golden_below(size_t n, const char *name, uint32_t seed,
                                  size_t index) {
  return (size_t)((golden_bits(name, seed, index) >> 32) * n >> 32);
}

/* In [-1, 1), a multiple of 2^-19. */
static inline float golden_uniform(const char *name, uint32_t seed, size_t index) {
  return (float)(golden_bits(name, seed, index) >> 44) * 0x1p-19f - 1.0f;
}

static inline bool golden_ends(const char *name, const char *end) {
  const size_t length = strlen(name), tail = strlen(end);
  return length >= tail && strcmp(name + length - tail, end) == 0;
}

/* A matrix in 2^(1-s), s the least with 4^s >= the inputs of one output; else in 1/4,
 * around 1 for what multiplies. */
static inline void golden_fill(const fr_tensor *tensor, uint32_t seed) {
  const bool multiplies =
      golden_ends(tensor->name, "weight") || golden_ends(tensor->name, "variance");
  float scale = 0.25f, middle = multiplies ? 1.0f : 0.0f;
  if (tensor->rank > 1) {
    const size_t inputs = tensor->count / tensor->shape[tensor->rank - 1];
    middle = 0;
    scale = 2;
    for (size_t power = 1; power < inputs; power *= 4)
      scale /= 2;
  }
  for (size_t i = 0; i < tensor->count; i++)
    tensor->value[i] = middle + scale * golden_uniform(tensor->name, seed, i);
}

/* ---- a case ---- */

typedef struct golden_case {
  const golden_entry *entry; /* from "case" on */
  size_t entry_count;        /* to the next one */
  fr_net *net;
  size_t batch, classes, inputs, first;
  uint32_t seed;
  bool squared;
  float *x, *dx;       /* (B, T, C); dx NULL where the first layer is frozen */
  float *value, *d;    /* (B, K) targets, d loss / d output */
  uint32_t *label;     /* (B) */
  uint32_t *length;    /* (B); NULL: all steps */
  const float *output; /* (B, K) of the last pass */
} golden_case;

/* The entry of that word and text; NULL: there is none. */
static inline const golden_entry *golden_find(const golden_case *c, const char *word,
                                              const char *text) {
  for (size_t i = 0; i < c->entry_count; i++)
    if (strcmp(c->entry[i].word, word) == 0 && (!text || !strcmp(c->entry[i].text, text)))
      return &c->entry[i];
  return NULL;
}

static inline const golden_entry *golden_entry_of(const golden_case *c, const char *word,
                                                  const char *text) {
  const golden_entry *entry = golden_find(c, word, text);
  if (!entry)
    fail_msg("case %s has no '%s %s'", c->entry->text, word, text ? text : "");
  return entry;
}

static inline const char *golden_text(const golden_case *c, const char *word) {
  const golden_entry *entry = golden_entry_of(c, word, NULL);
  return entry ? entry->text : "";
}

static inline size_t golden_count(const golden_case *c, const char *word) {
  return (size_t)strtoul(golden_text(c, word), NULL, 10);
}

static inline void golden_fill_tensors(const golden_case *c) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(c->net, &count);
  for (size_t i = 0; i < count; i++)
    golden_fill(&tensor[i], c->seed);
}

static inline void golden_fill_samples(golden_case *c) {
  const golden_entry *lengths = golden_find(c, "lengths", NULL);
  const fr_shape in = fr_net_input(c->net);
  for (size_t i = 0; i < c->batch * c->inputs; i++)
    c->x[i] = golden_uniform("input", c->seed, i);
  for (size_t i = 0; i < c->batch * c->classes; i++)
    c->value[i] = golden_uniform("value", c->seed, i);
  for (size_t b = 0; b < c->batch; b++) {
    c->label[b] = (uint32_t)golden_below(c->classes, "label", c->seed, b);
    if (!lengths)
      continue;
    c->length[b] = (uint32_t)lengths->number[b];
    memset(c->x + b * c->inputs + c->length[b] * in.channels, 0,
           (in.steps - c->length[b]) * in.channels * sizeof(float));
  }
}

static inline void golden_make_arrays(golden_case *c) {
  const size_t samples = c->batch * c->inputs, outputs = c->batch * c->classes;
  c->x = malloc(samples * sizeof(float));
  c->dx = c->first == 0 ? malloc(samples * sizeof(float)) : NULL;
  c->value = malloc(outputs * sizeof(float));
  c->d = malloc(outputs * sizeof(float));
  c->label = malloc(c->batch * sizeof *c->label);
  if (golden_find(c, "lengths", NULL))
    c->length = malloc(c->batch * sizeof *c->length);
}

/* The case whose "case" stands at *at, which moves to the next one. The caller's,
 * golden_close. */
static inline golden_case golden_open(const golden_file *file, size_t *at) {
  golden_case c = {.entry = &file->entry[*at], .entry_count = 1};
  while (*at + c.entry_count < file->entry_count &&
         strcmp(c.entry[c.entry_count].word, "case") != 0)
    c.entry_count++;
  *at += c.entry_count;
  c.batch = golden_count(&c, "batch");
  c.classes = golden_count(&c, "classes");
  c.first = golden_count(&c, "first");
  c.seed = (uint32_t)golden_count(&c, "seed");
  c.squared = strcmp(golden_text(&c, "loss"), "squared") == 0;
  const fr_shape in = {golden_count(&c, "steps"), golden_count(&c, "channels")};
  c.inputs = in.steps * in.channels;
  c.net = made_net(golden_text(&c, "net"), in, c.classes, c.batch, c.first);
  golden_make_arrays(&c);
  golden_fill_tensors(&c);
  golden_fill_samples(&c);
  fr_net_set_lengths(c.net, c.length);
  return c;
}

static inline void golden_close(golden_case *c) {
  fr_net_free(c->net);
  free(c->x);
  free(c->dx);
  free(c->value);
  free(c->d);
  free(c->label);
  free(c->length);
}

/* ---- what a network does ---- */

static inline void golden_forward(golden_case *c, bool train) {
  c->output =
      fr_net_forward(c->net, c->x, c->batch, 0, fr_net_layer_count(c->net), train);
}

/* One pass in training, forward and back; the loss. `dx`: the input's gradient too, which
 * only the chain knows how to give. */
static inline double golden_pass(golden_case *c, bool dx) {
  const fr_loss_options options = {.kind = c->squared ? FR_LOSS_SQUARED
                                                      : FR_LOSS_CROSS_ENTROPY};
  const fr_targets targets = {.label = c->squared ? NULL : c->label,
                              .value = c->squared ? c->value : NULL};
  golden_forward(c, true);
  const double loss =
      fr_loss_compute(&options, c->output, &targets, c->batch, c->classes, c->d);
  const fr__pass pass = {.kern = &c->net->kern,
                         .rng = &c->net->rng,
                         .batch = c->batch,
                         .train = true,
                         .length = c->length};
  if (dx && c->dx)
    fr__chain_backward(&c->net->chain, &pass, c->d, c->dx);
  else
    fr_net_backward(c->net, c->d, c->batch);
  return loss;
}

/* ---- comparing ---- */

/* Every number to within `share` of the greatest of them, and `least`. */
static inline void golden_agree(const golden_case *c, const float *got,
                                const golden_entry *wanted, double share, double least) {
  char what[600];
  double most = 0;
  for (size_t i = 0; i < wanted->count; i++)
    most = fmax(most, fabs(wanted->number[i]));
  for (size_t i = 0; i < wanted->count; i++) {
    snprintf(what, sizeof what, "case %s '%s': %s %s[%zu]", c->entry->text,
             fr_net_text(c->net), wanted->word, wanted->text, i);
    assert_near((double)got[i], wanted->number[i], share * most + least, what);
  }
}

/* Ten losses of the optimizer from these weights on, to within `share` of the first. */
static inline void golden_curve(golden_case *c, const char *word,
                                const fr_optimizer_options *options, double share) {
  const golden_entry *wanted = golden_entry_of(c, word, NULL);
  fr_optimizer *optimizer = NULL;
  char what[400];
  ASSERT_OK(fr_optimizer_new(c->net, c->first, options, NULL, &optimizer, err));
  assert_int_equal(wanted->count, GOLDEN_CURVE);
  for (size_t i = 0; i < GOLDEN_CURVE; i++) {
    snprintf(what, sizeof what, "case %s '%s': %s[%zu]", c->entry->text,
             fr_net_text(c->net), word, i);
    assert_near(golden_pass(c, false), wanted->number[i], share * fabs(wanted->number[0]),
                what);
    assert_true(fr_optimizer_step(optimizer));
  }
  fr_optimizer_free(optimizer);
}

/* Both sides make the same numbers, bit for bit. */
static inline void golden_check_hash(const golden_file *file) {
  size_t checked = 0;
  for (size_t i = 0; i < file->entry_count; i++)
    for (size_t k = 0; strcmp(file->entry[i].word, "uniform") == 0; k++) {
      if (k == file->entry[i].count)
        break;
      assert_true((double)golden_uniform(file->entry[i].text, 1, k) ==
                  file->entry[i].number[k]);
      checked++;
    }
  assert_int_equal(checked, 8);
}

#endif
