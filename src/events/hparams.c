/* SPDX-License-Identifier: Apache-2.0 */
/* Hyper-parameters and how a run ended: the hparams plugin keeps them in the metadata of
 * summaries with fixed tags and an empty tensor
 * (tensorboard/plugins/hparams/metadata.py).
 */
#include "events/writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "events/hparams.pb-c.h"

static enum fr_status put_hparams(fr_events *events, const char *tag,
                                  const Fr__Events__HParams *message, fr_error *err) {
  const size_t size = fr__events__hparams__get_packed_size(message);
  uint8_t *const content = malloc(size);
  if (content == NULL)
    return fr__fail_memory(err, "hyper-parameters");
  fr__events__hparams__pack(message, content);
  Fr__Events__Shape__Dim none = FR__EVENTS__SHAPE__DIM__INIT;
  Fr__Events__Shape shape = FR__EVENTS__SHAPE__INIT;
  shape.n_dim = 1;
  shape.dim = (Fr__Events__Shape__Dim *[]){&none};
  Fr__Events__Tensor tensor = FR__EVENTS__TENSOR__INIT;
  tensor.dtype = FR__EVENTS__DATA_TYPE__DT_FLOAT;
  tensor.tensor_shape = &shape;
  const enum fr_status status =
      fr__events_put(events, 0,
                     &(fr__summary){.tag = tag,
                                    .plugin = "hparams",
                                    .data_class = FR__EVENTS__DATA_CLASS__TENSOR,
                                    .content = {size, content},
                                    .tensor = &tensor},
                     err);
  free(content);
  return status;
}

static enum fr_status check_parameter(const fr_events_session *session, size_t i,
                                      fr_error *err) {
  const fr_events_parameter *p = &session->parameter[i];
  enum fr_status status = fr__events_check_name(p->name, "a hyper-parameter's name", err);
  if (status == FR_OK && p->kind == FR_EVENTS_STRING)
    status = fr__events_check(p->string, FR_EVENTS_TAG_CEILING, "a hyper-parameter", err);
  if (status != FR_OK)
    return status;
  /* TensorBoard's JSON has no such number. */
  if (p->kind == FR_EVENTS_NUMBER && !isfinite(p->number))
    return fr__fail(err, FR_ERR_NUMERIC, "hyper-parameter '%s' is not finite", p->name);
  for (size_t other = 0; other < i; other++)
    if (strcmp(session->parameter[other].name, p->name) == 0)
      return fr__fail(err, FR_ERR_ARGUMENT, "hyper-parameter '%s' is given twice",
                      p->name);
  return FR_OK;
}

static enum fr_status check_session(const fr_events_session *session, fr_error *err) {
  if (session->parameter_count > FR_EVENTS_PARAMETER_CEILING ||
      session->metric_count > FR_EVENTS_PARAMETER_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "more than %d hyper-parameters or metrics",
                    FR_EVENTS_PARAMETER_CEILING);
  enum fr_status status = FR_OK;
  if (session->group != NULL)
    status = fr__events_check(session->group, FR_EVENTS_TAG_CEILING, "a group", err);
  for (size_t i = 0; status == FR_OK && i < session->parameter_count; i++)
    status = check_parameter(session, i, err);
  for (size_t i = 0; status == FR_OK && i < session->metric_count; i++)
    status = fr__events_check_name(session->metric[i], "a metric's tag", err);
  return status;
}

static void set_value(const fr_events_parameter *p, Fr__Events__Value *value) {
  switch (p->kind) {
  case FR_EVENTS_NUMBER:
    value->kind_case = FR__EVENTS__VALUE__KIND_NUMBER_VALUE;
    value->number_value = p->number;
    break;
  case FR_EVENTS_STRING:
    value->kind_case = FR__EVENTS__VALUE__KIND_STRING_VALUE;
    value->string_value = (char *)p->string;
    break;
  case FR_EVENTS_BOOLEAN:
    value->kind_case = FR__EVENTS__VALUE__KIND_BOOL_VALUE;
    value->bool_value = p->boolean;
    break;
  }
}

/* A list of messages is an array of pointers to them. */
typedef struct entry_room {
  Fr__Events__SessionStart__Entry entry;
  Fr__Events__Value value;
} entry_room;

static void set_entry(const fr_events_parameter *p, entry_room *room) {
  room->value = (Fr__Events__Value)FR__EVENTS__VALUE__INIT;
  set_value(p, &room->value);
  room->entry = (Fr__Events__SessionStart__Entry)FR__EVENTS__SESSION_START__ENTRY__INIT;
  room->entry.key = (char *)p->name;
  room->entry.value = &room->value;
}

static enum fr_status put_start(fr_events *events, const fr_events_session *session,
                                fr_error *err) {
  const size_t count = session->parameter_count;
  entry_room *room = calloc(count + 1, sizeof *room);
  Fr__Events__SessionStart__Entry **each = calloc(count + 1, sizeof(void *));
  enum fr_status status = FR_OK;
  if (room == NULL || each == NULL) {
    status = fr__fail_memory(err, "hyper-parameters");
    goto done;
  }
  for (size_t i = 0; i < count; i++) {
    set_entry(&session->parameter[i], &room[i]);
    each[i] = &room[i].entry;
  }
  Fr__Events__SessionStart start = FR__EVENTS__SESSION_START__INIT;
  start.n_hparams = count;
  start.hparams = each;
  start.start_time_secs = fr__events_now_s(events);
  if (session->group != NULL)
    start.group_name = (char *)session->group;
  Fr__Events__HParams message = FR__EVENTS__HPARAMS__INIT;
  message.data_case = FR__EVENTS__HPARAMS__DATA_SESSION_START_INFO;
  message.session_start_info = &start;
  status = put_hparams(events, "_hparams_/session_start_info", &message, err);
done:
  free(each);
  free(room);
  return status;
}

static Fr__Events__HParamType type_of(enum fr_events_kind kind) {
  switch (kind) {
  case FR_EVENTS_NUMBER: return FR__EVENTS__HPARAM_TYPE__FLOAT64;
  case FR_EVENTS_STRING: return FR__EVENTS__HPARAM_TYPE__STRING;
  case FR_EVENTS_BOOLEAN: return FR__EVENTS__HPARAM_TYPE__BOOL;
  }
  return FR__EVENTS__HPARAM_TYPE__UNSET;
}

/* Owned lists of what a session has. */
typedef struct column_room {
  Fr__Events__HParamInfo *info;
  Fr__Events__HParamInfo **each_info;
  Fr__Events__MetricInfo *metric;
  Fr__Events__MetricInfo **each_metric;
  Fr__Events__MetricInfo__Name *name;
} column_room;

static bool column_room_init(column_room *room, size_t parameters, size_t metrics) {
  room->info = calloc(parameters + 1, sizeof *room->info);
  room->each_info = calloc(parameters + 1, sizeof(void *));
  room->metric = calloc(metrics + 1, sizeof *room->metric);
  room->each_metric = calloc(metrics + 1, sizeof(void *));
  room->name = calloc(metrics + 1, sizeof *room->name);
  return room->info != NULL && room->each_info != NULL && room->metric != NULL &&
         room->each_metric != NULL && room->name != NULL;
}

static void column_room_release(column_room *room) {
  free(room->name);
  free(room->each_metric);
  free(room->metric);
  free(room->each_info);
  free(room->info);
}

static void set_columns(const fr_events_session *session, column_room *room) {
  for (size_t i = 0; i < session->parameter_count; i++) {
    room->info[i] = (Fr__Events__HParamInfo)FR__EVENTS__HPARAM_INFO__INIT;
    room->info[i].name = (char *)session->parameter[i].name;
    room->info[i].type = type_of(session->parameter[i].kind);
    room->each_info[i] = &room->info[i];
  }
  for (size_t i = 0; i < session->metric_count; i++) {
    room->name[i] = (Fr__Events__MetricInfo__Name)FR__EVENTS__METRIC_INFO__NAME__INIT;
    room->name[i].tag = (char *)session->metric[i];
    room->metric[i] = (Fr__Events__MetricInfo)FR__EVENTS__METRIC_INFO__INIT;
    room->metric[i].name = &room->name[i];
    room->each_metric[i] = &room->metric[i];
  }
}

static enum fr_status put_experiment(fr_events *events, const fr_events_session *session,
                                     fr_error *err) {
  column_room room;
  enum fr_status status = FR_OK;
  if (column_room_init(&room, session->parameter_count, session->metric_count)) {
    set_columns(session, &room);
    Fr__Events__Experiment experiment = FR__EVENTS__EXPERIMENT__INIT;
    experiment.time_created_secs = fr__events_now_s(events);
    experiment.n_hparam_infos = session->parameter_count;
    experiment.hparam_infos = room.each_info;
    experiment.n_metric_infos = session->metric_count;
    experiment.metric_infos = room.each_metric;
    Fr__Events__HParams message = FR__EVENTS__HPARAMS__INIT;
    message.data_case = FR__EVENTS__HPARAMS__DATA_EXPERIMENT;
    message.experiment = &experiment;
    status = put_hparams(events, "_hparams_/experiment", &message, err);
  } else {
    status = fr__fail_memory(err, "hyper-parameters");
  }
  column_room_release(&room);
  return status;
}

enum fr_status fr_events_hparams(fr_events *events, const fr_events_session *session,
                                 fr_error *err) {
  /* TensorBoard keeps the first of a tag. */
  if (events->has_session)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' has its hyper-parameters already",
                    events->file.path);
  enum fr_status status = check_session(session, err);
  if (status == FR_OK && session->metric_count > 0)
    status = put_experiment(events, session, err);
  if (status == FR_OK)
    status = put_start(events, session, err);
  events->has_session = status == FR_OK;
  return status;
}

enum fr_status fr_events_hparams_end(fr_events *events, enum fr_events_outcome outcome,
                                     fr_error *err) {
  if (!events->has_session || events->has_outcome)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' %s", events->file.path,
                    events->has_outcome ? "has its outcome already"
                                        : "has no hyper-parameters yet");
  Fr__Events__SessionEnd end = FR__EVENTS__SESSION_END__INIT;
  end.status = outcome == FR_EVENTS_SUCCESS ? FR__EVENTS__SESSION_STATUS__STATUS_SUCCESS
                                            : FR__EVENTS__SESSION_STATUS__STATUS_FAILURE;
  end.end_time_secs = fr__events_now_s(events);
  Fr__Events__HParams message = FR__EVENTS__HPARAMS__INIT;
  message.data_case = FR__EVENTS__HPARAMS__DATA_SESSION_END_INFO;
  message.session_end_info = &end;
  const enum fr_status status =
      put_hparams(events, "_hparams_/session_end_info", &message, err);
  events->has_outcome = status == FR_OK;
  return status;
}
