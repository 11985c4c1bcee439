/* SPDX-License-Identifier: Apache-2.0 */
/* Times and spans as people read them; base/iso8601.h reads them. Times are seconds of
 * UTC inside; the wall's are local ones, by TZ and the system's rules, changes to summer
 * time included.
 */
#ifndef FR_CLI_WHEN_H
#define FR_CLI_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_WHEN_TEXT 48
/* "Mon 23 Nov 02:00"; with the zone's name "Mon 23 Nov 02:00 CET"; seconds where they are
 * not 0. */
void cli_when_format(int64_t t_s, bool zone, char text[CLI_WHEN_TEXT]);
/* The same without the day where it is that of `of_s`: "05:00". */
void cli_when_after(int64_t t_s, int64_t of_s, bool zone, char text[CLI_WHEN_TEXT]);
/* "CET", or "CET, from Sun 29 Mar 03:00 CEST" where the clock changes within (from, to].
 */
void cli_zone_format(int64_t from_s, int64_t to_s, char text[CLI_WHEN_TEXT]);

/* What the clock on the wall shows, as if it were seconds of UTC. */
int64_t cli_wall_seconds(int64_t t_s);
/* strftime of such seconds, English whatever the locale. */
void cli_wall_format(int64_t wall_s, const char *format, char *text, size_t size);

/* "3 h", "20 min", "1 h 30 min", "2 days 4 h": whole minutes, seconds below one. */
void cli_span_format(int64_t seconds, char *text, size_t size);

#endif
