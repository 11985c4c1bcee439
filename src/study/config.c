/* SPDX-License-Identifier: Apache-2.0 */
/* A study file: YAML to structs by libcyaml's schema. */
#include "study/study.h"

#include "base/error.h"
#include "base/file.h"

#include <cyaml/cyaml.h>
#include <yaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_CEILING ((size_t)1 << 20)
#define TEXT 4096 /* ceiling of one string */
#define CODE 8

/* libcyaml's macros take a member's size through a null pointer, as offsetof does. */
#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define STRING(key, type, member, flags)                                                 \
  CYAML_FIELD_STRING_PTR(key, flags, type, member, 1, TEXT)
#define LIST(key, type, member, entry, flags)                                            \
  CYAML_FIELD_SEQUENCE(key, (flags) | CYAML_FLAG_POINTER, type, member, entry, 0,        \
                       FR__STUDY_LIST)

static const cyaml_schema_value_t word = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, TEXT)};
static const cyaml_schema_value_t real = {CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, double)};

static const cyaml_schema_field_t data_fields[] = {
    CYAML_FIELD_STRING_PTR("code", CYAML_FLAG_POINTER, fr__study_data, code, 1, CODE),
    STRING("name", fr__study_data, name, CYAML_FLAG_POINTER),
    STRING("spec", fr__study_data, spec, CYAML_FLAG_POINTER),
    STRING("task", fr__study_data, task, OPTIONAL),
    STRING("split", fr__study_data, split, OPTIONAL),
    STRING("validate", fr__study_data, validate, OPTIONAL),
    CYAML_FIELD_UINT("window", CYAML_FLAG_OPTIONAL, fr__study_data, window),
    CYAML_FIELD_UINT("step", CYAML_FLAG_OPTIONAL, fr__study_data, step),
    CYAML_FIELD_END};
static const cyaml_schema_value_t data_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, fr__study_data, data_fields)};

static const cyaml_schema_field_t net_fields[] = {
    CYAML_FIELD_STRING_PTR("code", CYAML_FLAG_POINTER, fr__study_net, code, 1, CODE),
    STRING("name", fr__study_net, name, CYAML_FLAG_POINTER),
    STRING("arch", fr__study_net, arch, OPTIONAL), CYAML_FIELD_END};
static const cyaml_schema_value_t net_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, fr__study_net, net_fields)};

static const cyaml_schema_field_t mechanism_fields[] = {
    STRING("name", fr__study_mechanism, name, CYAML_FLAG_POINTER),
    STRING("kind", fr__study_mechanism, kind, OPTIONAL),
    STRING("head", fr__study_mechanism, head, OPTIONAL),
    LIST("with", fr__study_mechanism, with, &word, CYAML_FLAG_OPTIONAL),
    STRING("freeze", fr__study_mechanism, freeze, OPTIONAL),
    CYAML_FIELD_FLOAT("refine", CYAML_FLAG_OPTIONAL, fr__study_mechanism, refine),
    CYAML_FIELD_FLOAT("decay", CYAML_FLAG_OPTIONAL, fr__study_mechanism, decay),
    CYAML_FIELD_UINT("cut", CYAML_FLAG_OPTIONAL, fr__study_mechanism, cut),
    CYAML_FIELD_UINT("unfreeze", CYAML_FLAG_OPTIONAL, fr__study_mechanism, unfreeze),
    STRING("network", fr__study_mechanism, network, OPTIONAL),
    STRING("arch", fr__study_mechanism, arch, OPTIONAL),
    STRING("teacher", fr__study_mechanism, teacher, OPTIONAL),
    CYAML_FIELD_FLOAT("distill", CYAML_FLAG_OPTIONAL, fr__study_mechanism, distill),
    CYAML_FIELD_FLOAT("temperature", CYAML_FLAG_OPTIONAL, fr__study_mechanism,
                      temperature),
    CYAML_FIELD_UINT("epochs", CYAML_FLAG_OPTIONAL, fr__study_mechanism, epochs),
    CYAML_FIELD_UINT("batch", CYAML_FLAG_OPTIONAL, fr__study_mechanism, batch),
    CYAML_FIELD_UINT("patience", CYAML_FLAG_OPTIONAL, fr__study_mechanism, patience),
    CYAML_FIELD_FLOAT("learning-rate", CYAML_FLAG_OPTIONAL, fr__study_mechanism,
                      learning_rate),
    STRING("schedule", fr__study_mechanism, schedule, OPTIONAL),
    STRING("precision", fr__study_mechanism, precision, OPTIONAL),
    STRING("augment", fr__study_mechanism, augment, OPTIONAL),
    STRING("normalize", fr__study_mechanism, normalize, OPTIONAL),
    STRING("prune", fr__study_mechanism, prune, OPTIONAL),
    STRING("quantize", fr__study_mechanism, quantize, OPTIONAL),
    CYAML_FIELD_BOOL("balanced", CYAML_FLAG_OPTIONAL, fr__study_mechanism, balanced),
    CYAML_FIELD_END};
static const cyaml_schema_value_t mechanism_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, fr__study_mechanism, mechanism_fields)};

static const cyaml_schema_field_t group_fields[] = {
    STRING("name", fr__study_group, name, CYAML_FLAG_POINTER),
    STRING("title", fr__study_group, title, OPTIONAL),
    STRING("note", fr__study_group, note, OPTIONAL),
    LIST("data", fr__study_group, data, &word, CYAML_FLAG_DEFAULT),
    LIST("networks", fr__study_group, networks, &word, CYAML_FLAG_OPTIONAL),
    LIST("mechanisms", fr__study_group, mechanisms, &word, CYAML_FLAG_OPTIONAL),
    STRING("source", fr__study_group, source, OPTIONAL),
    CYAML_FIELD_BOOL("pairs", CYAML_FLAG_OPTIONAL, fr__study_group, pairs),
    CYAML_FIELD_END};
static const cyaml_schema_value_t group_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, fr__study_group, group_fields)};

static const cyaml_schema_field_t claim_fields[] = {
    STRING("text", fr__study_claim, text, CYAML_FLAG_POINTER),
    STRING("group", fr__study_claim, group, CYAML_FLAG_POINTER),
    STRING("mechanism", fr__study_claim, mechanism, CYAML_FLAG_POINTER),
    STRING("phase", fr__study_claim, phase, CYAML_FLAG_POINTER),
    STRING("quantity", fr__study_claim, quantity, CYAML_FLAG_POINTER),
    LIST("data", fr__study_claim, data, &word, CYAML_FLAG_OPTIONAL),
    LIST("networks", fr__study_claim, networks, &word, CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_SEQUENCE_FIXED("range", CYAML_FLAG_DEFAULT, fr__study_claim, range, &real,
                               2),
    CYAML_FIELD_END};
static const cyaml_schema_value_t claim_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, fr__study_claim, claim_fields)};

static const cyaml_schema_field_t training_fields[] = {
    CYAML_FIELD_UINT("epochs", CYAML_FLAG_OPTIONAL, fr__study_training, epochs),
    CYAML_FIELD_UINT("batch", CYAML_FLAG_OPTIONAL, fr__study_training, batch),
    CYAML_FIELD_UINT("patience", CYAML_FLAG_OPTIONAL, fr__study_training, patience),
    CYAML_FIELD_FLOAT("learning-rate", CYAML_FLAG_OPTIONAL, fr__study_training,
                      learning_rate),
    STRING("precision", fr__study_training, precision, OPTIONAL),
    CYAML_FIELD_END};

static const cyaml_schema_field_t study_fields[] = {
    STRING("name", fr_study, name, CYAML_FLAG_POINTER),
    STRING("description", fr_study, description, OPTIONAL),
    CYAML_FIELD_UINT("repeats", CYAML_FLAG_OPTIONAL, fr_study, repeats),
    CYAML_FIELD_UINT("seed", CYAML_FLAG_OPTIONAL, fr_study, seed),
    CYAML_FIELD_MAPPING_PTR("training", OPTIONAL, fr_study, training, training_fields),
    STRING("intensity", fr_study, intensity, OPTIONAL),
    CYAML_FIELD_FLOAT("pue", CYAML_FLAG_OPTIONAL, fr_study, pue),
    LIST("networks", fr_study, networks, &net_value, CYAML_FLAG_DEFAULT),
    LIST("data", fr_study, data, &data_value, CYAML_FLAG_DEFAULT),
    LIST("mechanisms", fr_study, mechanisms, &mechanism_value, CYAML_FLAG_OPTIONAL),
    LIST("groups", fr_study, groups, &group_value, CYAML_FLAG_DEFAULT),
    LIST("claims", fr_study, claims, &claim_value, CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END};
static const cyaml_schema_value_t study_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, fr_study, study_fields)};

/* ---- loading ---- */

typedef struct complaint { /* the first thing that libcyaml says, and where */
  char text[256];
  unsigned line, column;
} complaint;

static void listen(cyaml_log_t level, void *self, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void listen(cyaml_log_t level, void *self, const char *format, va_list args) {
  complaint *first = self;
  char said[256];
  (void)level;
  vsnprintf(said, sizeof said, format, args);
  said[strcspn(said, "\n")] = '\0';
  const char *where = strstr(said, "(line: ");
  if (where != NULL && first->line == 0)
    sscanf(where, "(line: %u, column: %u)", &first->line, &first->column);
  static const char before[] = "Load: ";
  const char *text =
      strncmp(said, before, sizeof before - 1) == 0 ? said + sizeof before - 1 : said;
  if (where == NULL && first->text[0] == '\0' && strncmp(text, "Backtrace", 9) != 0)
    snprintf(first->text, sizeof first->text, "%s", text);
}

static cyaml_config_t config_for(complaint *first) {
  return (cyaml_config_t){.log_fn = listen,
                          .log_ctx = first,
                          .mem_fn = cyaml_mem,
                          .log_level = CYAML_LOG_ERROR,
                          .flags = CYAML_CFG_NO_ALIAS};
}

/* libcyaml tells of an unexpected key where the one before it ended. */
static void find_key(const char *yaml, complaint *first) {
  static const char unexpected[] = "Unexpected key: ";
  if (strncmp(first->text, unexpected, sizeof unexpected - 1) != 0)
    return;
  const unsigned line = fr__study_line(yaml, first->text + sizeof unexpected - 1);
  if (line > first->line) {
    first->line = line;
    first->column = 0;
  }
}

/* libcyaml passes on what libyaml says of bad syntax, but not where: asked directly. */
static void find_syntax(const char *yaml, complaint *first) {
  yaml_parser_t parser;
  yaml_event_t event;
  if (first->line != 0 || !yaml_parser_initialize(&parser))
    return;
  yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, strlen(yaml));
  bool more = true;
  while (more && yaml_parser_parse(&parser, &event)) {
    more = event.type != YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
  }
  if (parser.error != YAML_NO_ERROR && parser.problem != NULL) {
    first->line = (unsigned)parser.problem_mark.line + 1;
    first->column = (unsigned)parser.problem_mark.column + 1;
    snprintf(first->text, sizeof first->text, "%s", parser.problem);
  }
  yaml_parser_delete(&parser);
}

static enum fr_status fail_load(const char *name, const char *yaml, cyaml_err_t code,
                                complaint *first, fr_error *err) {
  if (code == CYAML_ERR_OOM)
    return fr__fail_memory(err, "a study");
  if (code == CYAML_ERR_LIBYAML_PARSER)
    find_syntax(yaml, first);
  const char *text = first->text[0] != '\0' ? first->text : cyaml_strerror(code);
  find_key(yaml, first);
  if (first->line == 0)
    return fr__fail(err, FR_ERR_FORMAT, "%s: %s", name, text);
  if (first->column == 0)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%u: %s", name, first->line, text);
  return fr__fail(err, FR_ERR_FORMAT, "%s:%u:%u: %s", name, first->line, first->column,
                  text);
}

/* `yaml` ends in a NUL. */
static enum fr_status parse(const char *name, const char *yaml, size_t size,
                            fr_study **out, fr_error *err) {
  complaint first = {0};
  const cyaml_config_t config = config_for(&first);
  fr_study *study = NULL;
  const cyaml_err_t code = cyaml_load_data((const uint8_t *)yaml, size, &config,
                                           &study_value, (cyaml_data_t **)&study, NULL);
  if (code != CYAML_OK)
    return fail_load(name, yaml, code, &first, err);
  if (study == NULL)
    return fr__fail(err, FR_ERR_FORMAT, "%s is empty", name);
  const enum fr_status status = fr__study_check(name, yaml, study, err);
  if (status == FR_OK)
    *out = study;
  else
    fr_study_free(study);
  return status;
}

enum fr_status fr_study_parse(const char *name, const char *yaml, size_t size,
                              fr_study **out, fr_error *err) {
  if (size > FILE_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "%s is longer than %zu bytes", name, FILE_CEILING);
  char *text = strndup(yaml, size); /* whoever looks for lines needs its NUL */
  if (text == NULL)
    return fr__fail_memory(err, "a study");
  const enum fr_status status = parse(name, text, strlen(text), out, err);
  free(text);
  return status;
}

enum fr_status fr_study_load(const char *path, fr_study **out, fr_error *err) {
  char *text = NULL;
  size_t size = 0;
  enum fr_status status = fr__file_read(path, FILE_CEILING, &text, &size, err);
  if (status == FR_OK)
    status = fr_study_parse(path, text, size, out, err);
  free(text);
  return status;
}

void fr_study_free(fr_study *study) {
  if (study == NULL)
    return;
  for (unsigned i = 0; i < study->data_count; i++)
    free(study->data[i].open);
  complaint first = {0};
  const cyaml_config_t config = config_for(&first);
  cyaml_free(&config, &study_value, study, 0);
}

bool fr_study_set_precision(fr_study *study, const char *name) {
  return fr_train_precision_parse(name, &study->precision);
}

const char *fr_study_name(const fr_study *study) { return study->name; }
