/* SPDX-License-Identifier: Apache-2.0 */
/* The writer, curves and texts, in the form that TensorFlow 2 writes: a tensor, and the
 * name of the plugin that shows it. */
#include "events/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

double fr__events_now_s(const fr_events *events) {
  const int64_t now = events->time_ns != 0 ? events->time_ns : fr__clock_utc_ns();
  /* The nanoseconds alone have more digits than a double. */
  return (double)(now / 1000000000) + (double)(now % 1000000000) * 1e-9;
}

static enum fr_status put_event(fr_events *events, Fr__Events__Event *event,
                                fr_error *err) {
  event->wall_time = fr__events_now_s(events);
  const size_t size = fr__events__event__get_packed_size(event);
  unsigned char *const room = fr__record_room(&events->file, size, err);
  if (room == NULL) {
    events->lost++;
    return size > FR__RECORD_CEILING ? FR_ERR_LIMIT : FR_ERR_MEMORY;
  }
  fr__events__event__pack(event, room);
  const enum fr_status status = fr__record_write(&events->file, size, err);
  events->lost += status != FR_OK;
  return status;
}

/* The messages are read only, but protobuf-c's fields are not const. */
enum fr_status fr__events_put(fr_events *events, int64_t step, const fr__summary *summary,
                              fr_error *err) {
  Fr__Events__SummaryMetadata__PluginData plugin =
      FR__EVENTS__SUMMARY_METADATA__PLUGIN_DATA__INIT;
  plugin.plugin_name = (char *)summary->plugin;
  plugin.content = summary->content;
  Fr__Events__SummaryMetadata metadata = FR__EVENTS__SUMMARY_METADATA__INIT;
  metadata.plugin_data = &plugin;
  metadata.data_class = summary->data_class;
  Fr__Events__Summary__Value value = FR__EVENTS__SUMMARY__VALUE__INIT;
  value.tag = (char *)summary->tag;
  value.metadata = &metadata;
  value.tensor = summary->tensor;
  Fr__Events__Summary one = FR__EVENTS__SUMMARY__INIT;
  one.n_value = 1;
  one.value = (Fr__Events__Summary__Value *[]){&value};
  Fr__Events__Event event = FR__EVENTS__EVENT__INIT;
  event.step = step;
  event.what_case = FR__EVENTS__EVENT__WHAT_SUMMARY;
  event.summary = &one;
  return put_event(events, &event, err);
}

/* Twice: TensorBoard takes the first START of a run for its beginning, and drops nothing
 * at it; where an earlier file has one, the second finds nothing left to drop. */
enum fr_status fr_events_restart(fr_events *events, int64_t step, fr_error *err) {
  Fr__Events__SessionLog log = FR__EVENTS__SESSION_LOG__INIT;
  log.status = FR__EVENTS__SESSION_LOG__SESSION_STATUS__START;
  Fr__Events__Event event = FR__EVENTS__EVENT__INIT;
  event.step = step;
  event.what_case = FR__EVENTS__EVENT__WHAT_SESSION_LOG;
  event.session_log = &log;
  const enum fr_status status = put_event(events, &event, err);
  return status == FR_OK ? put_event(events, &event, err) : status;
}

/* What every event file begins with; it chooses how readers understand the rest. */
static enum fr_status put_version(fr_events *events, fr_error *err) {
  char version[] = "brain.Event:2";
  Fr__Events__Event event = FR__EVENTS__EVENT__INIT;
  event.what_case = FR__EVENTS__EVENT__WHAT_FILE_VERSION;
  event.file_version = version;
  return put_event(events, &event, err);
}

enum fr_status fr_events_new(const char *folder, fr_events **out, fr_error *err) {
  fr_events *events = calloc(1, sizeof *events);
  if (events == NULL)
    return fr__fail_memory(err, "an event file");
  events->file.fd = -1;
  enum fr_status status = fr__dir_make(folder, err);
  if (status == FR_OK)
    status = fr__record_init(&events->file, folder, fr__clock_utc_ns(), err);
  if (status == FR_OK) {
    status = put_version(events, err);
    if (status != FR_OK)
      (void)unlink(events->file.path); /* a file without a beginning helps nobody */
  }
  if (status == FR_OK)
    *out = events;
  else
    fr_events_free(events);
  return status;
}

void fr_events_free(fr_events *events) {
  if (events == NULL)
    return;
  fr__record_release(&events->file);
  free(events);
}

enum fr_status fr_events_flush(fr_events *events, fr_error *err) {
  if (fdatasync(events->file.fd) != 0)
    return fr__fail_errno(err, errno, "'%s' cannot be written", events->file.path);
  return FR_OK;
}

const char *fr_events_path(const fr_events *events) { return events->file.path; }

uint64_t fr_events_lost(const fr_events *events) { return events->lost; }

void fr_events_set_time(fr_events *events, int64_t utc_ns) { events->time_ns = utc_ns; }

enum fr_status fr_events_scalar(fr_events *events, int64_t step, const char *tag,
                                double value, fr_error *err) {
  const enum fr_status status = fr__events_check_name(tag, "a tag", err);
  if (status != FR_OK)
    return status;
  float rounded = (float)value;
  Fr__Events__Shape shape = FR__EVENTS__SHAPE__INIT;
  Fr__Events__Tensor tensor = FR__EVENTS__TENSOR__INIT;
  tensor.dtype = FR__EVENTS__DATA_TYPE__DT_FLOAT;
  tensor.tensor_shape = &shape;
  tensor.n_float_val = 1;
  tensor.float_val = &rounded;
  return fr__events_put(events, step,
                        &(fr__summary){.tag = tag,
                                       .plugin = "scalars",
                                       .data_class = FR__EVENTS__DATA_CLASS__SCALAR,
                                       .tensor = &tensor},
                        err);
}

enum fr_status fr_events_text(fr_events *events, int64_t step, const char *tag,
                              const char *markdown, fr_error *err) {
  enum fr_status status = fr__events_check_name(tag, "a tag", err);
  if (status == FR_OK)
    status = fr__events_check(markdown, FR_EVENTS_TEXT_CEILING, "a text", err);
  if (status != FR_OK)
    return status;
  ProtobufCBinaryData string = {strlen(markdown), (uint8_t *)markdown};
  Fr__Events__Shape shape = FR__EVENTS__SHAPE__INIT;
  Fr__Events__Tensor tensor = FR__EVENTS__TENSOR__INIT;
  tensor.dtype = FR__EVENTS__DATA_TYPE__DT_STRING;
  tensor.tensor_shape = &shape;
  tensor.n_string_val = 1;
  tensor.string_val = &string;
  return fr__events_put(events, step,
                        &(fr__summary){.tag = tag,
                                       .plugin = "text",
                                       .data_class = FR__EVENTS__DATA_CLASS__TENSOR,
                                       .tensor = &tensor},
                        err);
}
