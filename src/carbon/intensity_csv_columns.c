/* SPDX-License-Identifier: Apache-2.0 */
/* Which column of a file is the time, which the intensity, and what it counts. */
#include "base/buf.h"
#include "base/error.h"
#include "carbon/intensity_csv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NAME 96 /* bytes of a column's name that are looked at */

/* A name in small letters, its words between single blanks, one at each end: " utc time
 * ".
 */
typedef struct words {
  char text[NAME + 3];
} words;

static bool is_word(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
}

static words words_of(const fr__csv_field *field) {
  words out = {" "};
  size_t n = 1;
  for (size_t i = 0; i < field->length && n <= NAME; i++) {
    unsigned char c = (unsigned char)field->text[i];
    c = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    if (is_word(c))
      out.text[n++] = (char)c;
    else if (out.text[n - 1] != ' ')
      out.text[n++] = ' ';
  }
  if (out.text[n - 1] != ' ')
    out.text[n++] = ' ';
  out.text[n] = '\0';
  return out;
}

static bool has(const words *w, const char *word) {
  const size_t length = strlen(word);
  for (const char *at = strstr(w->text, word); at != NULL; at = strstr(at + 1, word))
    if (at[-1] == ' ' && at[length] == ' ')
      return true;
  return false;
}

/* All of the words, but for "utc". */
static bool is(const words *w, const char *name) {
  char text[sizeof w->text] = " ";
  size_t n = 1;
  for (const char *at = w->text + 1; *at != '\0'; at++) {
    if (at[-1] == ' ' && strncmp(at, "utc ", 4) == 0) {
      at += 3;
      continue;
    }
    text[n++] = *at;
  }
  text[n] = '\0';
  const size_t length = strlen(name);
  return n == length + 2 && memcmp(text + 1, name, length) == 0;
}

/* The first column that has one of the names, those further in front before others. */
static uint32_t find(const fr__csv *csv, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    for (size_t c = 0; c < csv->header_count; c++) {
      const words w = words_of(&csv->header[c]);
      if (is(&w, names[i]))
        return (uint32_t)c;
    }
  return FR_NONE;
}

#define FIND(csv, ...)                                                                   \
  find(csv, (const char *const[]){__VA_ARGS__},                                          \
       sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void find_others(const fr__csv *csv, fr__csv_columns *out) {
  out->start = FIND(csv, "start", "from", "start time", "period start", "interval start",
                    "datetime", "time", "timestamp", "date time", "point time", "date");
  out->end = FIND(csv, "end", "to", "until", "end time", "period end", "interval end");
  out->estimated =
      FIND(csv, "data estimated", "estimated", "is estimated", "isestimated");
  out->forecast = FIND(csv, "forecast", "is forecast", "isforecast");
  out->made = FIND(csv, "made", "issued", "issued at", "generated at", "created at");
  out->zone = FIND(csv, "zone id", "zone", "zone code");
  out->origin = FIND(csv, "data source", "source");
}

/* ---- the intensity ---- */

typedef struct candidate {
  uint32_t column;
  fr__intensity_unit unit;
  bool has_unit;
  enum fr_factor factor;
  enum fr_signal signal;
} candidate;

static bool is_low(const words *w) {
  return has(w, "low") || has(w, "lower") || has(w, "min") || has(w, "minimum");
}
static bool is_high(const words *w) {
  return has(w, "high") || has(w, "upper") || has(w, "max") || has(w, "maximum");
}

static enum fr_factor factor_of(const words *w) {
  if (has(w, "direct"))
    return FR_FACTOR_DIRECT;
  const bool all = has(w, "lca") || has(w, "lifecycle") || has(w, "life cycle");
  return all ? FR_FACTOR_LIFECYCLE : FR_FACTOR_UNKNOWN;
}

static enum fr_signal signal_of(const words *w) {
  if (has(w, "marginal") || has(w, "moer"))
    return FR_SIGNAL_MARGINAL;
  return has(w, "average") ? FR_SIGNAL_AVERAGE : FR_SIGNAL_UNKNOWN;
}

static candidate look_at(const fr__csv *csv, uint32_t column) {
  const fr__csv_field *field = &csv->header[column];
  const words w = words_of(field);
  candidate c = {column, FR__G_PER_KWH, false, factor_of(&w), signal_of(&w)};
  c.has_unit = fr__unit_within(field->text, field->length, &c.unit);
  return c;
}

/* A file whose name says it, since CarbonCast's life-cycle and direct files have the same
 * header. */
static enum fr_factor factor_of_file(const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  if (strstr(name, "lifecycle") != NULL)
    return FR_FACTOR_LIFECYCLE;
  return strstr(name, "direct") != NULL ? FR_FACTOR_DIRECT : FR_FACTOR_UNKNOWN;
}

static bool is_carboncast(const fr__csv *csv) {
  static const char *const fuels[] = {"coal",  "nat gas", "nuclear", "oil",
                                      "hydro", "solar",   "wind"};
  size_t seen = 0;
  for (size_t i = 0; i < sizeof fuels / sizeof *fuels; i++)
    seen += find(csv, &fuels[i], 1) != FR_NONE;
  return seen >= 2 && fr__csv_find(csv, "UTC time") != FR_NONE &&
         fr__csv_find(csv, "carbon_intensity") != FR_NONE;
}

static enum fr_status fail_names(const fr__csv *csv, const char *what,
                                 const candidate *list, size_t count, fr_error *err) {
  fr__buf names;
  fr__buf_init(&names, 0);
  for (size_t i = 0; i < count; i++)
    fr__buf_printf(&names, "%s'%.*s'", i > 0 ? ", " : "",
                   (int)csv->header[list[i].column].length,
                   csv->header[list[i].column].text);
  const enum fr_status status = fr__fail(err, FR_ERR_FORMAT, "%s: %s: %.200s", csv->name,
                                         what, fr__buf_text(&names));
  fr__buf_release(&names);
  return status;
}

#define CANDIDATES 8

/* The columns whose names tell a unit, and no bound of another. */
static size_t candidates_of(const fr__csv *csv, candidate list[CANDIDATES]) {
  size_t count = 0;
  for (uint32_t c = 0; c < csv->header_count && count < CANDIDATES; c++) {
    const words w = words_of(&csv->header[c]);
    list[count] = look_at(csv, c);
    count += list[count].has_unit && !is_low(&w) && !is_high(&w);
  }
  return count;
}

static enum fr_status named(const fr__csv *csv, const fr__csv_spec *spec, candidate *out,
                            fr_error *err) {
  for (uint32_t c = 0; c < csv->header_count; c++)
    if (csv->header[c].length == strlen(spec->column) &&
        strncasecmp(csv->header[c].text, spec->column, csv->header[c].length) == 0) {
      *out = look_at(csv, c);
      return FR_OK;
    }
  return fr__fail(err, FR_ERR_NOT_FOUND, "%s: no column '%.64s'", csv->name,
                  spec->column);
}

static enum fr_status without_unit(const fr__csv *csv, const fr__csv_spec *spec,
                                   candidate *out, fr_error *err) {
  const uint32_t column =
      FIND(csv, "carbon intensity", "carbonintensity", "intensity", "value");
  if (column == FR_NONE || !(spec->has_unit || is_carboncast(csv)))
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s: no column tells a unit of intensity in its name (g_per_kwh, "
                    "gCO2/kWh, lb/MWh, kg/MJ); ?column=NAME&unit=g/kWh tells one",
                    csv->name);
  *out = look_at(csv, column);
  return FR_OK;
}

static enum fr_status choose(const fr__csv *csv, const fr__csv_spec *spec,
                             enum fr_factor wanted, candidate *out, fr_error *err) {
  candidate list[CANDIDATES];
  if (spec->column != NULL)
    return named(csv, spec, out, err);
  const size_t count = candidates_of(csv, list);
  if (count == 0)
    return without_unit(csv, spec, out, err);
  if (count == 1) {
    *out = list[0];
    return FR_OK;
  }
  const enum fr_factor factor =
      wanted != FR_FACTOR_UNKNOWN ? wanted : FR_FACTOR_LIFECYCLE;
  size_t found = 0;
  for (size_t i = 0; i < count; i++)
    if (list[i].factor == factor) {
      *out = list[i];
      found++;
    }
  if (found == 1)
    return FR_OK;
  return fail_names(csv, "several columns could be meant, ?column=NAME says which", list,
                    count, err);
}

/* What the column counts must be what is asked for. */
static enum fr_status agree(const fr__csv *csv, const fr__csv_spec *spec,
                            enum fr_factor wanted, candidate *chosen, fr_error *err) {
  static const char *const names[] = {"", "direct", "life-cycle"};
  if (chosen->factor == FR_FACTOR_UNKNOWN && is_carboncast(csv))
    chosen->factor = factor_of_file(csv->name);
  if (chosen->factor == FR_FACTOR_UNKNOWN)
    chosen->factor = spec->factor;
  if (wanted != FR_FACTOR_UNKNOWN && chosen->factor == FR_FACTOR_UNKNOWN)
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s: the file does not tell whether its intensities are direct or "
                    "life-cycle: ?factor= does",
                    csv->name);
  if (wanted != FR_FACTOR_UNKNOWN && chosen->factor != wanted)
    return fr__fail(err, FR_ERR_NOT_FOUND, "%s: no %s intensities, they are %s",
                    csv->name, names[wanted], names[chosen->factor]);
  if (!chosen->has_unit && spec->has_unit)
    chosen->unit = spec->unit;
  else if (!chosen->has_unit && !is_carboncast(csv))
    return fail_names(csv, "its name tells no unit, ?unit=g/kWh does", chosen, 1, err);
  else if (spec->has_unit && !fr__unit_same(chosen->unit, spec->unit))
    return fail_names(csv, "its name tells another unit than ?unit=", chosen, 1, err);
  return FR_OK;
}

/* Bounds have the unit of the value, in their names or silently. */
static enum fr_status find_bounds(const fr__csv *csv, fr__csv_columns *out,
                                  fr_error *err) {
  out->low = out->high = FR_NONE;
  for (uint32_t c = 0; c < csv->header_count; c++) {
    const words w = words_of(&csv->header[c]);
    const candidate bound = look_at(csv, c);
    const bool low = is_low(&w), high = is_high(&w);
    if (c == out->value || (!low && !high) ||
        !(bound.has_unit || is(&w, low ? "low" : "high")))
      continue;
    if (bound.has_unit && !fr__unit_same(bound.unit, out->unit))
      return fail_names(csv, "a bound in another unit", &bound, 1, err);
    *(low ? &out->low : &out->high) = c;
  }
  return FR_OK;
}

static bool is_electricity_maps(const fr__csv *csv, const fr__csv_columns *columns) {
  return FIND(csv, "zone id") != FR_NONE && FIND(csv, "data estimated") != FR_NONE &&
         columns->scope.factor != FR_FACTOR_UNKNOWN;
}

enum fr_status fr__csv_columns_find(const fr__csv *csv, const fr__csv_spec *spec,
                                    enum fr_factor wanted, fr__csv_columns *out,
                                    fr_error *err) {
  candidate chosen = {0};
  fr__csv_columns found = {.unit = FR__G_PER_KWH};
  if (spec->factor != FR_FACTOR_UNKNOWN)
    wanted = spec->factor;
  find_others(csv, &found);
  if (found.start == FR_NONE)
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s: no column of times ('time', 'datetime', 'timestamp' or 'start')",
                    csv->name);
  const words start = words_of(&csv->header[found.start]);
  if (spec->local && has(&start, "utc"))
    return fr__fail(err, FR_ERR_ARGUMENT, "%s: its times are UTC, the header says",
                    csv->name);
  enum fr_status status = choose(csv, spec, wanted, &chosen, err);
  if (status == FR_OK)
    status = agree(csv, spec, wanted, &chosen, err);
  if (status != FR_OK)
    return status;
  found.value = chosen.column;
  found.unit = chosen.unit;
  found.scope = (fr_scope){chosen.factor, chosen.signal, FR_BASIS_LOCATION};
  if (is_electricity_maps(csv, &found))
    found.kind = FR__CSV_ELECTRICITY_MAPS;
  else if (is_carboncast(csv))
    found.kind = FR__CSV_CARBONCAST;
  if (found.kind != FR__CSV_ANY)
    found.scope.signal = FR_SIGNAL_AVERAGE;
  status = find_bounds(csv, &found, err);
  if (status == FR_OK)
    *out = found;
  return status;
}
