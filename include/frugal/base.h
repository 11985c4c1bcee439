/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base: what every room stands on: status codes, the error sentence and the measured
 * quantity.
 *
 * Nothing here prints, exits or keeps global state; every function may be called from any
 * thread.
 */
#ifndef FRUGAL_BASE_H
#define FRUGAL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FR_VERSION "0.1.0"

/* An index that names nothing: an unknown activity, a subject that is not told. */
#define FR_NONE UINT32_MAX

/* One row per status: enumerator, number, name, text for a person. */
#define FR_STATUS_TABLE(X)                                                               \
  X(FR_OK, 0, "ok", "no error")                                                          \
  X(FR_ERR_MEMORY, -1, "memory", "out of memory")                                        \
  X(FR_ERR_IO, -2, "io", "a file, device or connection failed")                          \
  X(FR_ERR_FORMAT, -3, "format", "the input is not what its format says")                \
  X(FR_ERR_LIMIT, -4, "limit", "the input exceeds a ceiling")                            \
  X(FR_ERR_ARGUMENT, -5, "argument", "an argument is not acceptable")                    \
  X(FR_ERR_NOT_FOUND, -6, "not_found", "what was asked for does not exist")              \
  X(FR_ERR_UNSUPPORTED, -7, "unsupported", "not supported here")                         \
  X(FR_ERR_PERMISSION, -8, "permission", "not permitted")                                \
  X(FR_ERR_NUMERIC, -9, "numeric", "a value is not finite")                              \
  X(FR_ERR_CANCELLED, -10, "cancelled", "stopped on request")

enum fr_status {
#define FR_STATUS_ENUM(id, number, name, text) id = (number),
  FR_STATUS_TABLE(FR_STATUS_ENUM)
#undef FR_STATUS_ENUM
};

/* "format"; "unknown" for a number that is no status. Static storage. */
const char *fr_status_name(enum fr_status status);

/* One sentence without its subject. Static storage. */
const char *fr_status_text(enum fr_status status);

/*
 * What went wrong, for a person: one sentence, lower case, no full stop, the subject
 * quoted, file and line of the input where there is one. Filled only when a call fails;
 * every function that takes one also takes NULL.
 */
typedef struct fr_error {
  enum fr_status status;
  char text[512];
} fr_error;

#define FR_UNIT_TABLE(X)                                                                 \
  X(FR_UNIT_NONE, "1")                                                                   \
  X(FR_UNIT_JOULE, "J")                                                                  \
  X(FR_UNIT_WATT, "W")                                                                   \
  X(FR_UNIT_SECOND, "s")                                                                 \
  X(FR_UNIT_CORE_SECOND, "core-s")                                                       \
  X(FR_UNIT_GRAM_CO2E, "gCO2e")                                                          \
  X(FR_UNIT_GRAM_CO2E_PER_KWH, "gCO2e/kWh")

enum fr_unit {
#define FR_UNIT_ENUM(id, symbol) id,
  FR_UNIT_TABLE(FR_UNIT_ENUM)
#undef FR_UNIT_ENUM
};

#define FR_SOURCE_TABLE(X)                                                               \
  X(FR_SOURCE_NONE, "none") /* not measured: the measure is absent */                    \
  X(FR_SOURCE_PERF, "perf")                                                              \
  X(FR_SOURCE_POWERCAP, "powercap")                                                      \
  X(FR_SOURCE_MSR, "msr")                                                                \
  X(FR_SOURCE_NVML, "nvml")                                                              \
  X(FR_SOURCE_HWMON, "hwmon")                                                            \
  X(FR_SOURCE_BATTERY, "battery")                                                        \
  X(FR_SOURCE_EXEC, "exec")                                                              \
  X(FR_SOURCE_IMPORT, "import")                                                          \
  X(FR_SOURCE_MODEL, "model")                                                            \
  X(FR_SOURCE_TABLE_OF_FACTS, "table")                                                   \
  X(FR_SOURCE_API, "api")                                                                \
  X(FR_SOURCE_CLOCK, "clock") /* the kernel's accounting of time */                      \
  X(FR_SOURCE_COUNT, "count") /* counted over samples: accuracy and the like */

enum fr_source {
#define FR_SOURCE_ENUM(id, name) id,
  FR_SOURCE_TABLE(FR_SOURCE_ENUM)
#undef FR_SOURCE_ENUM
};

/*
 * A measured quantity: value with a 95 % interval, unit and source. A measure whose
 * source is FR_SOURCE_NONE is absent, which is not the same as zero; its numbers mean
 * nothing.
 */
typedef struct fr_measure {
  double value;
  double low;  /* <= value */
  double high; /* >= value */
  enum fr_unit unit;
  enum fr_source source;
} fr_measure;

/* "J", "gCO2e/kWh"; static storage. */
const char *fr_unit_symbol(enum fr_unit unit);

/* "powercap"; static storage. */
const char *fr_source_name(enum fr_source source);

/* The inverse of the two above; false and *out untouched where the name is not known. */
bool fr_unit_parse(const char *symbol, enum fr_unit *out);
bool fr_source_parse(const char *name, enum fr_source *out);

/* An absent measure of that unit. */
fr_measure fr_measure_absent(enum fr_unit unit);

bool fr_measure_known(fr_measure m);

/*
 * a + b with fully correlated bounds (low + low, high + high): two readings of one sensor
 * share its systematic error, so bounds never shrink by adding. Absent if either is
 * absent.
 */
fr_measure fr_measure_add(fr_measure a, fr_measure b);

/* m times a factor that is known exactly and is not negative; unit of the result as
 * given. */
fr_measure fr_measure_scale(fr_measure m, double factor, enum fr_unit unit);

#endif
