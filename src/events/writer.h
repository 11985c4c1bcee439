/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: the writer, and how a summary becomes a record. */
#ifndef FR_EVENTS_WRITER_H
#define FR_EVENTS_WRITER_H

#include "frugal/events.h"

#include "events/event.pb-c.h"
#include "events/record.h"

struct fr_events {
  fr__record file;
  int64_t time_ns; /* 0: the clock's */
  uint64_t lost;
  bool has_session;
  bool has_outcome;
};

/* One value of a summary; everything is borrowed. */
typedef struct fr__summary {
  const char *tag;
  const char *plugin; /* that shows it */
  Fr__Events__DataClass data_class;
  ProtobufCBinaryData content; /* the plugin's own, mostly none */
  Fr__Events__Tensor *tensor;
} fr__summary;

double fr__events_now_s(const fr_events *events); /* since 1970 UTC */

enum fr_status fr__events_put(fr_events *events, int64_t step, const fr__summary *summary,
                              fr_error *err);

/* `what` ("a tag") must be UTF-8 of at most `ceiling` bytes: a reader refuses a whole
 * record for one string that is not. */
enum fr_status fr__events_check(const char *text, size_t ceiling, const char *what,
                                fr_error *err);
/* The same, and not empty. */
enum fr_status fr__events_check_name(const char *name, const char *what, fr_error *err);

#endif
