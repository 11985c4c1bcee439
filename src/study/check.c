/* SPDX-License-Identifier: Apache-2.0 */
/* What a schema cannot say: names that must exist, ranges, defaults. */
#include "study/check.h"
#include "study/mechanism.h"

#include "base/buf.h"
#include "base/csv.h"
#include "base/error.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *fr__study_task(const fr__study_data *data) {
  return data->task != NULL ? data->task : fr_data_task(data->spec);
}

size_t fr__study_find_data(const fr_study *study, const char *code) {
  for (size_t i = 0; i < study->data_count; i++)
    if (strcmp(study->data[i].code, code) == 0)
      return i;
  return SIZE_MAX;
}

size_t fr__study_find_net(const fr_study *study, const char *code) {
  for (size_t i = 0; i < study->networks_count; i++)
    if (strcmp(study->networks[i].code, code) == 0)
      return i;
  return SIZE_MAX;
}

size_t fr__study_find_mechanism(const fr_study *study, const char *name) {
  for (size_t i = 0; i < study->mechanisms_count; i++)
    if (strcmp(study->mechanisms[i].name, name) == 0)
      return i;
  return SIZE_MAX;
}

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_' || c == '-'; }

unsigned fr__study_line(const char *yaml, const char *word) {
  unsigned line = 1, found = 0;
  const size_t length = strlen(word);
  for (const char *at = yaml; *at != '\0'; at++) {
    const bool starts = at == yaml || !is_word(at[-1]);
    if (starts && strncmp(at, word, length) == 0 && !is_word(at[length]))
      found = line;
    line += *at == '\n';
  }
  return found;
}

enum fr_status fr__check_refuse(const fr__checked *c, const char *word, const char *why) {
  const unsigned line = fr__study_line(c->yaml, word);
  if (line == 0)
    return fr__fail(c->err, FR_ERR_ARGUMENT, "%s: '%s' %s", c->name, word, why);
  return fr__fail(c->err, FR_ERR_ARGUMENT, "%s:%u: '%s' %s", c->name, line, word, why);
}

/* Whether the file says `key: 0`: libcyaml gives 0 for what is left out, too. */
static bool says_zero(const fr__checked *c, const char *key) {
  const size_t length = strlen(key);
  for (const char *at = strstr(c->yaml, key); at != NULL; at = strstr(at + length, key)) {
    const char *p = at + length;
    if ((at != c->yaml && is_word(at[-1])) || *p++ != ':')
      continue;
    p += strspn(p, " \t");
    double value;
    if (fr__parse_number(p, strcspn(p, " \t\r\n,}#"), &value) && value == 0)
      return true;
  }
  return false;
}

/* ---- one part after another ---- */

/* `spec` with each $FRUGAL_DATA replaced; NULL out of memory or where it is not set. */
static char *expand(const char *spec, const char **missing) {
  static const char variable[] = "$FRUGAL_DATA";
  const char *value = getenv("FRUGAL_DATA");
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_add(&text, "");
  for (const char *at; (at = strstr(spec, variable)) != NULL;) {
    *missing = value == NULL ? variable : NULL;
    fr__buf_add_bytes(&text, spec, (size_t)(at - spec));
    fr__buf_add(&text, value != NULL ? value : "");
    spec = at + sizeof variable - 1;
  }
  fr__buf_add(&text, spec);
  return fr__buf_detach(&text);
}

static enum fr_status check_data(const fr__checked *c, size_t i) {
  fr__study_data *data = &c->study->data[i];
  enum fr_task task;
  const char *missing = NULL;
  if (fr__study_find_data(c->study, data->code) != i)
    return fr__check_refuse(c, data->code, "is the code of two data sets");
  if (!fr_task_parse(fr__study_task(data), &task) ||
      task == FR_TASK_LABELS) /* its cells compare one class a sample */
    return fr__check_refuse(c, data->task,
                            "is no task: use 'subject', 'activity' or 'gesture'");
  data->open = expand(data->spec, &missing);
  if (data->open == NULL)
    return fr__fail_memory(c->err, "a data set's spec");
  if (missing != NULL)
    return fr__check_refuse(c, missing + 1, "is not set in the environment");
  return FR_OK;
}

static enum fr_status check_net(const fr__checked *c, size_t i) {
  const fr__study_net *net = &c->study->networks[i];
  if (fr__study_find_net(c->study, net->code) != i)
    return fr__check_refuse(c, net->code, "is the code of two networks");
  return FR_OK;
}

static enum fr_status check_codes(const fr__checked *c, char *const *codes, size_t count,
                                  size_t (*find)(const fr_study *, const char *),
                                  const char *why) {
  for (size_t i = 0; i < count; i++)
    if (find(c->study, codes[i]) == SIZE_MAX)
      return fr__check_refuse(c, codes[i], why);
  return FR_OK;
}

static bool any_transfers(const fr__checked *c, const fr__study_group *group) {
  for (size_t i = 0; i < group->mechanisms_count; i++) {
    const size_t m = fr__study_find_mechanism(c->study, group->mechanisms[i]);
    if (fr__mechanism_sets(c->study, &c->study->mechanisms[m]) & FR__SETS_TRANSFER)
      return true;
  }
  return false;
}

static enum fr_status check_source(const fr__checked *c, const fr__study_group *group) {
  const char *source = group->source != NULL ? group->source : "other";
  if (strcmp(source, "other") != 0) {
    if (fr__study_find_data(c->study, source) == SIZE_MAX)
      return fr__check_refuse(c, source, "is no data set's code and not 'other'");
    return FR_OK;
  }
  if (!any_transfers(c, group))
    return FR_OK;
  if (group->data_count != 2 || strcmp(group->data[0], group->data[1]) == 0)
    return fr__check_refuse(c, group->name,
                            "takes networks from the 'other' data set, which needs "
                            "exactly two of them");
  return FR_OK;
}

static enum fr_status check_group(const fr__checked *c, size_t i) {
  const fr__study_group *group = &c->study->groups[i];
  for (size_t k = 0; k < i; k++)
    if (strcmp(c->study->groups[k].name, group->name) == 0)
      return fr__check_refuse(c, group->name, "is the name of two groups");
  if (group->data_count == 0)
    return fr__check_refuse(c, group->name, "is a group without data");
  enum fr_status status = check_codes(c, group->data, group->data_count,
                                      fr__study_find_data, "is no data set's code");
  if (status == FR_OK)
    status = check_codes(c, group->networks, group->networks_count, fr__study_find_net,
                         "is no network's code");
  if (status == FR_OK)
    status = check_codes(c, group->mechanisms, group->mechanisms_count,
                         fr__study_find_mechanism, "is no mechanism");
  if (status == FR_OK)
    status = check_source(c, group);
  return status == FR_OK && group->pairs
             ? fr__mechanism_pairs(c->study, &c->study->groups[i], c->err)
             : status;
}

static bool has_group(const fr_study *study, const char *name) {
  for (size_t i = 0; i < study->groups_count; i++)
    if (strcmp(study->groups[i].name, name) == 0)
      return true;
  return false;
}

static bool has_quantity(char phase, const char *name) {
  for (const char *const *q = fr__pair_quantities(phase); *q != NULL; q++)
    if (strcmp(*q, name) == 0)
      return true;
  return false;
}

static enum fr_status check_claim(const fr__checked *c, size_t i) {
  const fr__study_claim *claim = &c->study->claims[i];
  const bool train = strcmp(claim->phase, "train") == 0;
  if (!train && strcmp(claim->phase, "test") != 0)
    return fr__check_refuse(c, claim->phase, "is no phase: use 'train' or 'test'");
  if (!has_group(c->study, claim->group))
    return fr__check_refuse(c, claim->group, "is no group");
  if (fr__study_find_mechanism(c->study, claim->mechanism) == SIZE_MAX)
    return fr__check_refuse(c, claim->mechanism, "is no mechanism");
  if (!has_quantity(train ? 'R' : 'E', claim->quantity))
    return fr__check_refuse(c, claim->quantity, "is no quantity of that phase");
  if (!(claim->range[0] <= claim->range[1]))
    return fr__check_refuse(c, claim->text,
                            "has a range whose first number is the larger");
  enum fr_status status = check_codes(c, claim->data, claim->data_count,
                                      fr__study_find_data, "is no data set's code");
  if (status == FR_OK)
    status = check_codes(c, claim->networks, claim->networks_count, fr__study_find_net,
                         "is no network's code");
  return status;
}

static enum fr_status check_numbers(const fr__checked *c) {
  fr_study *study = c->study;
  fr_intensity found;
  static const char *const numbers[] = {
      "repeats", "epochs", "batch", "patience", "seed",       "learning-rate",
      "pue",     "window", "step",  "distill",  "temperature"};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (says_zero(c, numbers[i]))
      return fr__check_refuse(c, numbers[i], "is 0, which it cannot be");
  study->repeats = study->repeats != 0 ? study->repeats : 5;
  study->seed = study->seed != 0 ? study->seed : 1;
  study->pue = study->pue != 0.0 ? study->pue : 1.0;
  if (study->repeats > FR__STUDY_REPEATS)
    return fr__check_refuse(c, "repeats", "is over 100");
  if (!(study->pue >= 1.0 && study->pue <= 10.0))
    return fr__check_refuse(c, "pue", "is not between 1 and 10");
  return study->intensity == NULL ? FR_OK
                                  : fr_intensity_find(study->intensity, &found, c->err);
}

static enum fr_status check_training(const fr__checked *c) {
  const fr__study_training *t = c->study->training;
  if (t == NULL)
    return FR_OK;
  const enum fr_status status =
      fr__check_regime(c, t->epochs, t->patience, t->batch, t->learning_rate);
  if (status != FR_OK)
    return status;
  if (t->precision != NULL &&
      !fr_train_precision_parse(t->precision, &c->study->precision))
    return fr__check_refuse(c, t->precision, "is no precision: f32, bf16 or auto");
  return FR_OK;
}

static bool is_file_name(const char *name) {
  for (const char *at = name; *at != '\0'; at++)
    if (!is_word(*at) && *at != '.' && *at != ' ')
      return false;
  return *name != '.';
}

enum fr_status fr__study_check(const char *name, const char *yaml, fr_study *study,
                               fr_error *err) {
  const fr__checked c = {name, yaml, study, err};
  if (!is_file_name(study->name)) /* it names the report's folder */
    return fr__check_refuse(&c, study->name,
                            "is no name: use letters, digits, blanks, '-', '_' and '.'");
  enum fr_status status = check_numbers(&c);
  if (status == FR_OK)
    status = check_training(&c);
  for (size_t i = 0; i < study->data_count && status == FR_OK; i++)
    status = check_data(&c, i);
  for (size_t i = 0; i < study->networks_count && status == FR_OK; i++)
    status = check_net(&c, i);
  for (size_t i = 0; i < study->mechanisms_count && status == FR_OK; i++)
    status = fr__check_mechanism(&c, i);
  for (size_t i = 0; i < study->groups_count && status == FR_OK; i++)
    status = check_group(&c, i);
  for (size_t i = 0; i < study->claims_count && status == FR_OK; i++)
    status = check_claim(&c, i);
  if (status == FR_OK && (study->groups_count == 0 || study->networks_count == 0))
    status = fr__check_refuse(&c, study->groups_count == 0 ? "groups" : "networks",
                              "is empty");
  return status;
}

/* ---- what the configuration stands for ---- */

fr_train_options fr__study_train_options(const fr_study *study) {
  fr_train_options options = fr_train_default_options();
  const fr__study_training *t = study->training;
  options.precision = study->precision;
  options.ahead = false; /* other processors are for other cells */
  if (t == NULL)
    return options;
  options.epochs = t->epochs != 0 ? t->epochs : options.epochs;
  options.batch = t->batch != 0 ? t->batch : options.batch;
  options.patience = t->patience != 0 ? t->patience : options.patience;
  if (t->learning_rate > 0.0f)
    options.optimizer.learning_rate = t->learning_rate;
  return options;
}

size_t fr__study_source(const fr_study *study, const fr__study_group *group,
                        size_t data) {
  if (group->source != NULL && strcmp(group->source, "other") != 0)
    return fr__study_find_data(study, group->source);
  if (group->data_count != 2)
    return SIZE_MAX;
  const size_t first = fr__study_find_data(study, group->data[0]);
  return data == first ? fr__study_find_data(study, group->data[1]) : first;
}

size_t fr__study_group_nets(const fr_study *study, const fr__study_group *group) {
  return group->networks_count != 0 ? group->networks_count : study->networks_count;
}

size_t fr__study_group_net(const fr_study *study, const fr__study_group *group,
                           size_t i) {
  return group->networks_count != 0 ? fr__study_find_net(study, group->networks[i]) : i;
}
