/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules of the learning rate: text, and the factor of a step. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "nn/word.h"

#include "frugal/nn.h"

#define TEXT_CEILING 128 /* bytes of a schedule's text */
#define EPOCHS_CEILING 1e6

/* A span of steps, the warm-up taken off. */
typedef struct course {
  double step, steps; /* step < steps */
  double epoch;       /* steps of an epoch */
} course;

/* ---- one row a kind ---- */

static double constant_factor(const fr_schedule *s, course c) {
  (void)s;
  (void)c;
  return 1;
}

static double step_factor(const fr_schedule *s, course c) {
  return pow(s->factor, floor(c.step / (s->every * c.epoch)));
}

static double exponential_factor(const fr_schedule *s, course c) {
  return pow(s->factor, floor(c.step / c.epoch));
}

/* Half a cosine from `from` to `to`, at [0, 1] of the way. */
static double anneal(double from, double to, double way) {
  return to + (from - to) / 2 * (1 + cos(M_PI * way));
}

/* The first step has all of the learning rate, the last `final` of it. */
static double cosine_factor(const fr_schedule *s, course c) {
  return anneal(1, s->final, c.steps > 1 ? c.step / (c.steps - 1) : 0);
}

/* The top is reached in the last step of the rise, as PyTorch's OneCycleLR has it, and in
 * the first step of all where the rise has less than one. */
static double one_cycle_factor(const fr_schedule *s, course c) {
  const double top = fmax(s->rise * c.steps - 1, 0), last = c.steps - 1;
  if (c.step < top)
    return anneal(s->start, 1, c.step / top);
  return anneal(1, s->final, last > top ? (c.step - top) / (last - top) : 0);
}

/* A number in the parentheses. */
typedef struct field {
  const char *name;
  size_t offset; /* of the double in fr_schedule */
  double low, high;
  double unset; /* where the text does not tell */
} field;

/* What may stand in the parentheses, in order; behind them a row without name. */
static const field no_fields[] = {{0}};
static const field step_fields[] = {
    {"factor", offsetof(fr_schedule, factor), 0, 1, 0},
    {"epochs", offsetof(fr_schedule, every), 0.01, EPOCHS_CEILING, 0},
    {0}};
static const field exponential_fields[] = {
    {"factor", offsetof(fr_schedule, factor), 0, 1, 0}, {0}};
static const field cosine_fields[] = {{"final", offsetof(fr_schedule, final), 0, 1, 0},
                                      {0}};
static const field one_cycle_fields[] = {
    {"rise", offsetof(fr_schedule, rise), 0, 1, 0.3},
    {"start", offsetof(fr_schedule, start), 0, 1, 0.04},
    {"final", offsetof(fr_schedule, final), 0, 1, 0.0001},
    {0}};
static const field warmup_fields[] = {
    {"epochs", offsetof(fr_schedule, warmup), 0, EPOCHS_CEILING, 0}, {0}};

typedef struct kind_ops {
  const char *name, *usage;
  size_t least; /* numbers in the parentheses */
  const field *fields;
  double (*factor)(const fr_schedule *schedule, course c);
} kind_ops;

static const kind_ops kinds[] = {
    [FR_SCHEDULE_CONSTANT] = {"constant", "constant", 0, no_fields, constant_factor},
    [FR_SCHEDULE_STEP] = {"step", "step(factor,epochs)", 2, step_fields, step_factor},
    [FR_SCHEDULE_EXPONENTIAL] = {"exponential", "exponential(factor)", 1,
                                 exponential_fields, exponential_factor},
    [FR_SCHEDULE_COSINE] = {"cosine", "cosine[(final)]", 0, cosine_fields, cosine_factor},
    [FR_SCHEDULE_ONE_CYCLE] = {"one-cycle", "one-cycle[(rise[,start[,final]])]", 0,
                               one_cycle_fields, one_cycle_factor},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static const kind_ops warmup = {"warmup", "warmup(epochs)", 1, warmup_fields, NULL};

double fr_schedule_factor(const fr_schedule *schedule, uint64_t step, uint64_t steps,
                          uint64_t steps_per_epoch) {
  const double epoch = steps_per_epoch > 0 ? (double)steps_per_epoch : 1;
  const double before = floor(schedule->warmup * epoch + 0.5);
  const double last = steps > 0 ? (double)steps - 1 : 0, at = fmin((double)step, last);
  if (at < before)
    return (at + 1) / before;
  const course rest = {.step = at - before, .steps = last + 1 - before, .epoch = epoch};
  return kinds[schedule->kind].factor(schedule, rest);
}

/* ---- text ---- */

/* "word(a,b)" as it stands in the text. */
typedef struct piece {
  const char *whole; /* all of the text, for messages */
  const char *word;
  size_t length;          /* of the word */
  const char *body, *end; /* between the parentheses; NULL: there are none */
} piece;

static enum fr_status fail_usage(const piece *p, const kind_ops *ops, fr_error *err) {
  return fr__fail(err, FR_ERR_FORMAT, "schedule '%s': '%s' is written %s", p->whole,
                  ops->name, ops->usage);
}

/* The next piece at *text, which moves behind it and the blanks that follow. */
static enum fr_status next_piece(const char **text, piece *out, fr_error *err) {
  const char *at = *text;
  piece p = {.whole = out->whole, .word = at, .length = strcspn(at, " (),")};
  at += p.length;
  if (*at == '(') {
    p.body = at + 1;
    p.end = p.body + strcspn(p.body, "()");
    if (*p.end != ')')
      return fr__fail(err, FR_ERR_FORMAT, "schedule '%s': a parenthesis never ends",
                      p.whole);
    at = p.end + 1;
  }
  if (p.length == 0 || (*at != '\0' && *at != ' '))
    return fr__fail(err, FR_ERR_FORMAT, "schedule '%s': unexpected '%c'", p.whole,
                    p.length == 0 ? *p.word : *at);
  *text = at + strspn(at, " ");
  *out = p;
  return FR_OK;
}

static void set_field(fr_schedule *schedule, const field *f, double value) {
  memcpy((char *)schedule + f->offset, &value, sizeof value);
}

static enum fr_status read_number(const piece *p, const field *f, const char *text,
                                  size_t length, fr_schedule *schedule, fr_error *err) {
  double value = 0;
  if (!fr__parse_number(text, length, &value) || !(value >= f->low && value <= f->high))
    return fr__fail(err, FR_ERR_FORMAT,
                    "schedule '%s': %s '%.*s' is not a number from %g to %g", p->whole,
                    f->name, (int)length, text, f->low, f->high);
  set_field(schedule, f, value);
  return FR_OK;
}

/* The numbers of a piece into the fields that its kind names. */
static enum fr_status read_numbers(const piece *p, const kind_ops *ops,
                                   fr_schedule *schedule, fr_error *err) {
  size_t count = 0;
  for (const char *at = p->body; at && at <= p->end; count++) {
    const char *comma = memchr(at, ',', (size_t)(p->end - at));
    const char *end = comma ? comma : p->end;
    if (!ops->fields[count].name)
      return fail_usage(p, ops, err);
    const enum fr_status status =
        read_number(p, &ops->fields[count], at, (size_t)(end - at), schedule, err);
    if (status != FR_OK)
      return status;
    at = end + 1;
  }
  return count < ops->least ? fail_usage(p, ops, err) : FR_OK;
}

static enum fr_status fail_kind(const piece *p, fr_error *err) {
  char known[256] = "";
  for (size_t i = 0; i < KINDS; i++) {
    const size_t used = strlen(known);
    (void)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "",
                   kinds[i].usage);
  }
  return fr__fail(err, FR_ERR_FORMAT, "schedule '%s': no such schedule; there are %s",
                  p->whole, known);
}

/* Printable, so that it may stand in a message, and not longer than that. */
static enum fr_status check_text(const char *text, fr_error *err) {
  if (strnlen(text, TEXT_CEILING + 1) > TEXT_CEILING)
    return fr__fail(err, FR_ERR_FORMAT, "the schedule's text is longer than %d bytes",
                    TEXT_CEILING);
  for (const char *at = text; *at != '\0'; at++)
    if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f)
      return fr__fail(err, FR_ERR_FORMAT, "schedule, column %zu: unexpected byte 0x%02x",
                      (size_t)(at - text) + 1, (unsigned)(unsigned char)*at);
  return text[strspn(text, " ")] == '\0'
             ? fr__fail(err, FR_ERR_FORMAT, "the schedule's text is empty")
             : FR_OK;
}

static enum fr_status read_kind(const piece *p, fr_schedule *out, fr_error *err) {
  size_t kind = 0;
  while (kind < KINDS && !fr__word_is(p->word, p->length, kinds[kind].name))
    kind++;
  if (kind == KINDS)
    return fail_kind(p, err);
  *out = (fr_schedule){.kind = (enum fr_schedule_kind)kind};
  for (const field *f = kinds[kind].fields; f->name; f++)
    set_field(out, f, f->unset);
  return read_numbers(p, &kinds[kind], out, err);
}

enum fr_status fr_schedule_parse(const char *text, fr_schedule *out, fr_error *err) {
  fr_schedule schedule = {0};
  enum fr_status status = check_text(text, err);
  if (status != FR_OK)
    return status;
  piece p = {.whole = text};
  const char *at = text + strspn(text, " ");
  status = next_piece(&at, &p, err);
  if (status == FR_OK)
    status = read_kind(&p, &schedule, err);
  if (status == FR_OK && *at != '\0') {
    status = next_piece(&at, &p, err);
    if (status == FR_OK && (!fr__word_is(p.word, p.length, warmup.name) || *at != '\0'))
      status = fr__fail(err, FR_ERR_FORMAT,
                        "schedule '%s': only warmup(epochs) may follow", text);
    if (status == FR_OK)
      status = read_numbers(&p, &warmup, &schedule, err);
  }
  if (status == FR_OK)
    *out = schedule;
  return status;
}
