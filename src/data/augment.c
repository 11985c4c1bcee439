/* SPDX-License-Identifier: Apache-2.0 */
/* The list of changes: its text, and doing them in its order. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "data/augment.h"

#define STREAM_AUGMENT ((uint64_t)0x61756700 << 32) /* of the seed: "aug" */
#define BLANKS " \t\r\n"
#define QUOTED_MOST 60 /* bytes of a text in a message */

static const fr__augment_ops *const table[FR_AUGMENT_KINDS] = {
    [FR_AUGMENT_JITTER] = &fr__augment_jitter,
    [FR_AUGMENT_SCALE] = &fr__augment_scale,
    [FR_AUGMENT_ROTATE] = &fr__augment_rotate,
    [FR_AUGMENT_PERMUTE] = &fr__augment_permute,
    [FR_AUGMENT_TIMEWARP] = &fr__augment_timewarp,
    [FR_AUGMENT_MAGWARP] = &fr__augment_magwarp,
    [FR_AUGMENT_CROP] = &fr__augment_crop,
    [FR_AUGMENT_DROPCHANNEL] = &fr__augment_dropchannel,
    [FR_AUGMENT_MIXUP] = &fr__augment_mixup,
    [FR_AUGMENT_MIRROR] = &fr__augment_mirror,
    [FR_AUGMENT_AFFINE] = &fr__augment_affine,
    [FR_AUGMENT_RESAMPLE] = &fr__augment_resample,
    [FR_AUGMENT_DROPHAND] = &fr__augment_drophand,
};

const fr__augment_ops *fr__augment_ops_of(enum fr_augment_kind kind) {
  return table[kind];
}

/* ---- its text ---- */

/* An item as it stands in the text. */
typedef struct item_text {
  const char *at;
  size_t length; /* of all of it */
  size_t name;   /* bytes before the parenthesis */
} item_text;

static int quoted(const item_text *text) {
  return (int)(text->length < QUOTED_MOST ? text->length : QUOTED_MOST);
}

static enum fr_status fail_unknown(const item_text *text, fr_error *err) {
  char known[256] = "";
  size_t used = 0;
  for (size_t k = 0; k < FR_AUGMENT_KINDS && used < sizeof known; k++)
    used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                             k == 0                      ? ""
                             : k + 1 == FR_AUGMENT_KINDS ? " or "
                                                         : ", ",
                             table[k]->name);
  return fr__fail(err, FR_ERR_ARGUMENT, "augmentation '%.*s' is not %s with arguments",
                  quoted(text), text->at, known);
}

static enum fr_status fail_arguments(const item_text *text, const fr__augment_ops *ops,
                                     fr_error *err) {
  char ranges[256] = "";
  size_t used = 0;
  for (size_t i = 0; i < ops->most && used < sizeof ranges; i++) {
    const fr__augment_argument *a = &ops->argument[i];
    used += (size_t)snprintf(
        ranges + used, sizeof ranges - used, "%s%s %s%s %g %s %g", i == 0 ? "" : ", ",
        a->name, a->whole ? "a whole number " : "", a->closed ? "from" : "above", a->low,
        a->closed ? "to" : "and at most", a->high);
  }
  return fr__fail(err, FR_ERR_ARGUMENT, "augmentation '%.*s' is not %s with %s",
                  quoted(text), text->at, ops->usage, ranges);
}

static bool is_in(const fr__augment_argument *argument, double value) {
  return value <= argument->high &&
         (argument->closed ? value >= argument->low : value > argument->low) &&
         (!argument->whole || value == floor(value));
}

/* The arguments between the parentheses into item->value. */
static bool read_arguments(const item_text *text, const fr__augment_ops *ops,
                           fr_augment_item *item) {
  const char *at = text->at + text->name + 1, *const end = text->at + text->length - 1;
  size_t count = 0;
  double sum = 0;
  for (;; count++) {
    const char *comma = memchr(at, ',', (size_t)(end - at));
    const size_t length = (size_t)((comma != NULL ? comma : end) - at);
    double value = 0;
    if (count == ops->most || !fr__parse_number(at, length, &value) ||
        !is_in(&ops->argument[count], value))
      return false;
    item->value[count] = (float)value;
    sum += fabs(value);
    if (comma == NULL)
      break;
    at = comma + 1;
  }
  for (size_t i = ++count; i < ops->most; i++)
    item->value[i] = (float)ops->argument[i].usual;
  return count >= ops->least && sum > 0; /* of zeros alone it would do nothing */
}

static enum fr_status read_item(const item_text *text, fr_augment *out, fr_error *err) {
  for (size_t k = 0; k < FR_AUGMENT_KINDS; k++) {
    const fr__augment_ops *ops = table[k];
    if (strlen(ops->name) != text->name || strncmp(ops->name, text->at, text->name) != 0)
      continue;
    fr_augment_item item = {.kind = (enum fr_augment_kind)k};
    if (text->length < text->name + 2 || text->at[text->length - 1] != ')' ||
        !read_arguments(text, ops, &item))
      return fail_arguments(text, ops, err);
    if (out->count == FR_AUGMENT_ITEMS)
      return fr__fail(err, FR_ERR_LIMIT, "more than %d augmentations from '%.*s' on",
                      FR_AUGMENT_ITEMS, quoted(text), text->at);
    if (k == FR_AUGMENT_MIXUP && fr__augment_mixup_at(out) < out->count)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "augmentation '%.*s' is a second mixup: a sample is mixed with one "
                      "other",
                      quoted(text), text->at);
    out->item[out->count++] = item;
    return FR_OK;
  }
  return fail_unknown(text, err);
}

/* Up to its closing parenthesis, in front of which blanks may stand; else to the next
 * blank. */
static item_text next_item(const char *at) {
  const size_t name = strcspn(at, "(" BLANKS);
  size_t length = name;
  if (at[name] == '(') {
    length += strcspn(at + name, ")");
    length += at[length] == ')';
  }
  length += strcspn(at + length, BLANKS); /* what follows without a blank is of it, too */
  return (item_text){at, length, name};
}

enum fr_status fr_augment_parse(const char *text, fr_augment *out, fr_error *err) {
  fr_augment read = {0};
  for (const char *at = text; *(at += strspn(at, BLANKS)) != '\0';) {
    const item_text item = next_item(at);
    const enum fr_status status = read_item(&item, &read, err);
    if (status != FR_OK)
      return status;
    at += item.length;
  }
  *out = read;
  return FR_OK;
}

/* With as many digits as bring the float back. */
static size_t write_number(char *text, size_t size, float value) {
  int length = 0;
  for (int digits = 4; digits <= 9; digits++) {
    char number[32];
    double back = 0;
    (void)snprintf(number, sizeof number, "%.*g", digits, (double)value);
    length = snprintf(text, size, "%s", number);
    if (fr__parse_number(number, strlen(number), &back) && (float)back == value)
      break;
  }
  return (size_t)length;
}

void fr_augment_describe(const fr_augment *augment, char *text, size_t size) {
  size_t used = 0;
  if (size > 0)
    text[0] = '\0';
  for (size_t i = 0; i < augment->count && used < size; i++) {
    const fr_augment_item *item = &augment->item[i];
    const fr__augment_ops *ops = table[item->kind];
    used +=
        (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "", ops->name);
    for (size_t a = 0; a < ops->most && used + 1 < size && !isnan(item->value[a]); a++) {
      text[used++] = a == 0 ? '(' : ',';
      used += write_number(text + used, size - used, item->value[a]);
    }
    if (used < size)
      used += (size_t)snprintf(text + used, size - used, ")");
  }
}

/* ---- what it needs ---- */

bool fr_augment_needs_bind(const fr_augment *augment) {
  for (size_t i = 0; i < augment->count; i++)
    if (table[augment->item[i].kind]->input != FR__AUGMENT_ANY)
      return true;
  return false;
}

size_t fr_augment_room(const fr_augment *augment, size_t steps, size_t channels) {
  size_t most = 0;
  for (size_t i = 0; i < augment->count; i++) {
    const fr_augment_item *item = &augment->item[i];
    const fr__augment_ops *ops = table[item->kind];
    const size_t room = ops->room ? ops->room(item->value, steps, channels) : 0;
    most = room > most ? room : most;
  }
  return most + steps * FR__MARKS; /* the last for what is missing */
}

enum fr_status fr__augment_check(const fr_augment *augment, size_t steps, size_t channels,
                                 fr_error *err) {
  if (fr_augment_needs_bind(augment) && augment->layout == NULL)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "an augmentation of vectors or key points does not know the channels "
                    "yet (fr_augment_bind)");
  if (augment->layout != NULL && augment->layout->channels != channels)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "an augmentation of %zu channels met samples of %zu",
                    augment->layout->channels, channels);
  for (size_t i = 0; i < augment->count && steps <= 1; i++) {
    const fr__augment_ops *ops = table[augment->item[i].kind];
    if (ops->times)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "augmentation %s changes time, which feature vectors have not",
                      ops->name);
  }
  return FR_OK;
}

/* ---- doing it ---- */

void fr__augment_seed(fr__rng *rng, uint64_t seed, uint64_t epoch, size_t sample) {
  fr__rng_init(rng, seed ^ (epoch * 0x9e3779b97f4a7c15u), STREAM_AUGMENT + sample);
}

size_t fr__augment_mixup_at(const fr_augment *augment) {
  size_t i = 0;
  while (i < augment->count && augment->item[i].kind != FR_AUGMENT_MIXUP)
    i++;
  return i;
}

/* What is missing in which step, (steps, FR__MARKS): of parts 0 and 1. */
static void mark_absent(const fr__change *c, float *marks) {
  for (size_t t = 0; t < c->steps; t++, marks += FR__MARKS)
    if (c->layout->features > 0)
      fr__features_mark(c->layout, c->x + t * c->channels, marks);
    else
      for (size_t p = 0; p < FR__PARTS; p++)
        marks[p] =
            fr__part_is_absent(c->layout, (enum fr__part)p, c->x + t * c->channels);
}

static void restore_absent(const fr__change *c, const float *marks) {
  for (size_t t = 0; t < c->steps; t++, marks += FR__MARKS)
    if (c->layout->features > 0)
      fr__features_restore(c->layout, marks, c->x + t * c->channels);
    else
      for (size_t p = 0; p < FR__PARTS; p++)
        if (marks[p] > 0)
          fr__part_copy(c->layout, (enum fr__part)p, c->layout->absent,
                        c->x + t * c->channels);
}

void fr__augment_run(const fr_augment *augment, size_t from, size_t to, fr__rng *rng,
                     float *x, size_t steps, size_t channels, float *work) {
  fr__change change = {.layout = augment->layout,
                       .rng = rng,
                       .x = x,
                       .steps = steps,
                       .channels = channels,
                       .work = work + steps * FR__MARKS};
  const bool parts = augment->layout != NULL &&
                     (augment->layout->points > 0 || augment->layout->features > 0);
  for (size_t i = from; i < to; i++) {
    const fr__augment_ops *ops = table[augment->item[i].kind];
    if (ops->apply == NULL)
      continue;
    change.value = augment->item[i].value;
    if (parts && ops->values)
      mark_absent(&change, work);
    ops->apply(&change);
    if (parts && ops->values)
      restore_absent(&change, work);
  }
}

void fr_augment_apply(const fr_augment *augment, uint64_t seed, uint64_t epoch,
                      size_t sample, float *x, size_t steps, size_t channels,
                      float *work) {
  fr__rng rng;
  fr__augment_seed(&rng, seed, epoch, sample);
  fr__augment_run(augment, 0, augment->count, &rng, x, steps, channels, work);
}
