/* SPDX-License-Identifier: Apache-2.0 */
/* What servers answer, as text, to series: functions of the text alone. Each appends to
 * `out` (empty before), and fails with a sentence that begins with the server's name. */
#ifndef FR_CARBON_ANSWERS_H
#define FR_CARBON_ANSWERS_H

#include "frugal/intensity.h"

#define FR__TIME_UNTOLD INT64_MIN

/*
 * Electricity Maps, API v3: {zone, history | data | forecast: [{carbonIntensity,
 * datetime, isEstimated, …}], updatedAt}, or one such value ("latest"). A null is a gap.
 * The zone must be `zone`, and the factor what is told where it is told. *updated_s:
 * updatedAt.
 */
enum fr_status fr__electricitymaps_parse(const char *body, size_t size, const char *zone,
                                         enum fr_factor factor, fr_series *out,
                                         int64_t *updated_s, fr_error *err);

/* WattTime, API v3: {data: [{point_time, value}], meta: {region, signal_type, units,
 * data_point_period_seconds, generated_at}}. */
enum fr_status fr__watttime_parse(const char *body, size_t size, const char *region,
                                  fr_series *out, int64_t *generated_s, fr_error *err);

#define FR__UK_NATIONAL INT64_C(0)
#define FR__UK_POSTCODE INT64_C(-1) /* a region, whose number is not known */
/*
 * Great Britain's Carbon Intensity API, v2: {data: [{from, to, intensity: {forecast,
 * actual}}]}, or of a region {data: {regionid, data: [{from, to, intensity:
 * {forecast}}]}}. `wanted`: the region's number, or one of the above. Where `actual` is
 * null, the forecast, marked; of a region, marked as estimated.
 */
enum fr_status fr__uk_parse(const char *body, size_t size, int64_t wanted, fr_series *out,
                            fr_error *err);

#endif
