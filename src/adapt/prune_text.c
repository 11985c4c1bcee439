/* SPDX-License-Identifier: Apache-2.0 */
/* Options of pruning from text, and back. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "frugal/prune.h"

#define WORD 48 /* bytes, NUL included */

fr_prune_options fr_prune_default_options(void) {
  return (fr_prune_options){.kind = FR_PRUNE_STRUCTURED,
                            .amount = 0.5,
                            .how = FR_PRUNE_ONE_SHOT,
                            .criterion = FR_PRUNE_TAYLOR};
}

enum fr_prune_criterion fr_prune_usual_criterion(enum fr_prune_kind kind) {
  return kind == FR_PRUNE_STRUCTURED ? FR_PRUNE_TAYLOR : FR_PRUNE_L1;
}

static const char *const kinds[] = {
    [FR_PRUNE_STRUCTURED] = "structured", [FR_PRUNE_UNSTRUCTURED] = "unstructured"};
static const char *const ways[] = {[FR_PRUNE_ONE_SHOT] = "one-shot",
                                   [FR_PRUNE_GRADUAL] = "gradual",
                                   [FR_PRUNE_REWIND] = "rewind"};
static const char *const criteria[] = {
    [FR_PRUNE_L1] = "l1", [FR_PRUNE_L2] = "l2", [FR_PRUNE_TAYLOR] = "taylor"};
enum { KINDS = 2, WAYS = 3, CRITERIA = 3 };

/* Where the word stands in the list; `count`: it does not. */
static size_t find(const char *const *list, size_t count, const char *word) {
  size_t i = 0;
  while (i < count && strcmp(list[i], word) != 0)
    i++;
  return i;
}

/* What follows "key=", or NULL. */
static const char *value_of(const char *word, const char *key) {
  const size_t length = strlen(key);
  return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1
                                                                : NULL;
}

static bool whole(const char *text, int64_t low, int64_t high, size_t *out) {
  int64_t value;
  const bool good = fr__parse_integer(text, low, high, &value);
  *out = good ? (size_t)value : *out;
  return good;
}

static bool number(const char *text, double low, double high, double *out) {
  double value;
  const bool good =
      fr__parse_number(text, strlen(text), &value) && value > low && value < high;
  *out = good ? value : *out;
  return good;
}

static bool read_counts(const char *word, fr_prune_options *o) {
  const char *text;
  if ((text = value_of(word, "epochs")) != NULL)
    return whole(text, 1, 100000, &o->epochs);
  if ((text = value_of(word, "rounds")) != NULL)
    return whole(text, 1, 100, &o->rounds);
  if ((text = value_of(word, "align")) != NULL)
    return whole(text, 1, 1024, &o->align);
  if ((text = value_of(word, "rewind")) != NULL) {
    o->how = FR_PRUNE_REWIND;
    return whole(text, 0, 100000, &o->rewind);
  }
  double rate = 0;
  if ((text = value_of(word, "taught")) != NULL) {
    const bool good = number(text, 0, 1.0001, &rate) && rate <= 1;
    o->taught = (float)rate;
    return good;
  }
  if ((text = value_of(word, "refine")) == NULL || !number(text, 0, 1000, &rate))
    return false;
  o->refine = (float)rate;
  return true;
}

static bool is_amount(const char *word) {
  word += *word == '-';
  return isdigit((unsigned char)word[0]) || word[0] == '.';
}

static bool read_word(const char *word, fr_prune_options *o) {
  const char *until = value_of(word, "until");
  const size_t way = find(ways, WAYS, word), criterion = find(criteria, CRITERIA, word);
  if (until != NULL)
    return number(until, 0, 100, &o->until);
  if (way < WAYS)
    o->how = (enum fr_prune_how)way;
  else if (criterion < CRITERIA)
    o->criterion = (enum fr_prune_criterion)criterion;
  else if (strcmp(word, "units") == 0 || strcmp(word, "operations") == 0)
    o->operations = word[0] == 'o';
  else if (strcmp(word, "taught") == 0)
    o->taught = 0.5f;
  else if (strcmp(word, "global") == 0 || strcmp(word, "per-layer") == 0)
    o->global = word[0] == 'g';
  else if (is_amount(word))
    return number(word, 0, 1, &o->amount);
  else
    return read_counts(word, o);
  return true;
}

/* The next word up to a comma or the closing parenthesis, without blanks around it; what
 * follows it, or NULL. */
static const char *next_word(const char *at, char word[WORD]) {
  at += strspn(at, " ");
  size_t length = strcspn(at, ",)");
  const char *end = at + length;
  while (length > 0 && at[length - 1] == ' ')
    length--;
  if (*end == '\0' || length == 0 || length >= WORD)
    return NULL;
  memcpy(word, at, length);
  word[length] = '\0';
  return end;
}

static enum fr_status bad(const char *text, const char *word, fr_error *err) {
  return fr__fail(err, FR_ERR_FORMAT,
                  "'%s' of '%.100s' is not a kind of pruning: structured(AMOUNT) or "
                  "unstructured(AMOUNT), in the parentheses also until=POINTS, one-shot, "
                  "gradual, rewind[=EPOCH], units, operations, global, per-layer, l1, "
                  "l2, taylor, epochs=N, "
                  "rounds=N, align=N, taught[=SHARE], refine=RATE",
                  word, text);
}

static enum fr_status bad_word(const char *text, const char *word, fr_error *err) {
  if (!is_amount(word))
    return bad(text, word, err);
  return fr__fail(err, FR_ERR_FORMAT,
                  "the amount '%s' of '%.100s' is no number between 0 and 1", word, text);
}

enum fr_status fr_prune_parse(const char *text, fr_prune_options *out, fr_error *err) {
  fr_prune_options o = fr_prune_default_options();
  char word[WORD] = "";
  const size_t length = strcspn(text, "(");
  if (length < WORD)
    memcpy(word, text, length);
  const size_t kind = find(kinds, KINDS, word);
  if (kind == KINDS)
    return bad(text, word, err);
  o.kind = (enum fr_prune_kind)kind;
  o.criterion = fr_prune_usual_criterion(o.kind);
  const char *at = text + length;
  while (at != NULL && *at != '\0' && *at != ')') {
    word[0] = '\0';
    at = next_word(at + 1, word);
    if (at == NULL || !read_word(word, &o))
      return bad_word(text, word, err);
  }
  if (*at == ')' && at[1] != '\0')
    return bad(text, at + 1, err);
  *out = o;
  return FR_OK;
}

void fr_prune_text(const fr_prune_options *o, char *text, size_t size) {
  char amount[32], rest[128] = "";
  int used = 0;
  (void)snprintf(amount, sizeof amount, o->until > 0 ? "until=%g" : "%.9g",
                 o->until > 0 ? o->until : o->amount);
  if (o->operations)
    used += snprintf(rest, sizeof rest, ",operations");
  if (o->epochs > 0)
    used += snprintf(rest + used, sizeof rest - (size_t)used, ",epochs=%zu", o->epochs);
  if (o->rounds > 0)
    used += snprintf(rest + used, sizeof rest - (size_t)used, ",rounds=%zu", o->rounds);
  if (o->align > 0)
    used += snprintf(rest + used, sizeof rest - (size_t)used, ",align=%zu", o->align);
  if (o->taught > 0)
    used += snprintf(rest + used, sizeof rest - (size_t)used, ",taught=%g",
                     (double)o->taught);
  if (o->refine > 0)
    (void)snprintf(rest + used, sizeof rest - (size_t)used, ",refine=%g",
                   (double)o->refine);
  if (o->how == FR_PRUNE_REWIND)
    (void)snprintf(text, size, "%s(%s,rewind=%zu,%s,%s%s)", kinds[o->kind], amount,
                   o->rewind, o->global ? "global" : "per-layer", criteria[o->criterion],
                   rest);
  else
    (void)snprintf(text, size, "%s(%s,%s,%s,%s%s)", kinds[o->kind], amount, ways[o->how],
                   o->global ? "global" : "per-layer", criteria[o->criterion], rest);
}
