/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/file.h"

#define BUCKETS 4096u
#define TIME_CEILING (INT64_C(1) << 62) /* 146 years */
/* A suspend is a gap of more than this, and of so many times the usual one. */
#define GAP_NS 1000000000u
#define GAP_TIMES 20u

/* ---- paths ---- */

static bool begins(const char *text, const char *with) {
  return strncmp(text, with, strlen(with)) == 0;
}

/* "msr:0:1553" and "msr:0:0x611" are the same register. */
static bool key_of_register(const char *path, char key[FR__RECORDING_PATH]) {
  char *end;
  const unsigned long cpu = strtoul(path + strlen("msr:"), &end, 10);
  if (*end != ':')
    return false;
  const unsigned long long number = strtoull(end + 1, &end, 0);
  if (*end != '\0')
    return false;
  snprintf(key, FR__RECORDING_PATH, "msr:%lu:0x%llx", cpu, number);
  return true;
}

/* "perf:power/energy-pkg/:0" is "perf:energy-pkg:0". */
static void drop_device(char *path) {
  char *to = path;
  const size_t device = strlen("power/");
  for (const char *from = strncmp(path, "power/", device) == 0 ? path + device : path;
       *from != '\0'; from++) {
    if (*from != '/')
      *to++ = *from;
  }
  *to = '\0';
}

bool fr__recording_key(const char *path, char key[FR__RECORDING_PATH]) {
  if (begins(path, "msr:") && key_of_register(path, key))
    return true;
  while (*path == '/')
    path++;
  const int length = snprintf(key, FR__RECORDING_PATH, "%s", path);
  if (length < 0 || length >= FR__RECORDING_PATH)
    return false;
  if (begins(key, "perf:"))
    drop_device(key + strlen("perf:"));
  return true;
}

/* FNV-1a. */
static uint32_t bucket_of(const char *key) {
  uint32_t hash = 2166136261u;
  for (; *key != '\0'; key++)
    hash = (hash ^ (unsigned char)*key) * 16777619u;
  return hash % BUCKETS;
}

static uint32_t find_key(const fr__recording *r, const char *key) {
  uint32_t at = r->bucket[bucket_of(key)];
  while (at != FR_NONE && strcmp(r->item[at].path, key) != 0)
    at = r->item[at].next;
  return at;
}

fr__item *fr__recording_find(const fr__recording *r, const char *path) {
  char key[FR__RECORDING_PATH];
  if (!fr__recording_key(path, key))
    return NULL;
  const uint32_t at = find_key(r, key);
  return at == FR_NONE ? NULL : &r->item[at];
}

/* ---- reading ---- */

static bool grow(void **array, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity)
    return true;
  const size_t wanted = *capacity == 0 ? 256 : 2 * *capacity;
  void *grown = realloc(*array, wanted * size);
  if (grown == NULL)
    return false;
  *array = grown;
  *capacity = wanted;
  return true;
}

static enum fr_status add_item(fr__recording *r, const char *key, uint32_t *out,
                               fr_error *err) {
  if (r->items == FR__RECORDING_ITEMS)
    return fr__fail(err, FR_ERR_LIMIT, "timeline.csv has more than %d paths",
                    FR__RECORDING_ITEMS);
  char *path = strdup(key);
  if (path == NULL ||
      !grow((void **)&r->item, r->items, &r->item_capacity, sizeof *r->item)) {
    free(path);
    return fr__fail_memory(err, "a recording's paths");
  }
  const uint32_t bucket = bucket_of(key);
  *out = (uint32_t)r->items;
  r->item[r->items++] = (fr__item){.path = path, .next = r->bucket[bucket]};
  r->bucket[bucket] = *out;
  return FR_OK;
}

/* "!EIO" and "!5"; 0 where it is neither. */
static int parse_errno(const char *text) {
  static const struct {
    const char *name;
    int number;
  } names[] = {{"EIO", EIO},         {"EACCES", EACCES},       {"EPERM", EPERM},
               {"ENODEV", ENODEV},   {"ENOENT", ENOENT},       {"ENODATA", ENODATA},
               {"EINVAL", EINVAL},   {"ENXIO", ENXIO},         {"EAGAIN", EAGAIN},
               {"EBUSY", EBUSY},     {"ENOSYS", ENOSYS},       {"EOPNOTSUPP", EOPNOTSUPP},
               {"ENOTSUP", ENOTSUP}, {"ETIMEDOUT", ETIMEDOUT}, {"EINTR", EINTR},
               {"EBADF", EBADF},     {"EMFILE", EMFILE},       {"ENOMEM", ENOMEM},
               {"ESTALE", ESTALE},   {"EREMOTEIO", EREMOTEIO}, {"ENOTDIR", ENOTDIR},
               {"EFAULT", EFAULT},   {"ERANGE", ERANGE},       {"EPIPE", EPIPE}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(text, names[i].name) == 0)
      return names[i].number;
  }
  int64_t number;
  return fr__parse_integer(text, 1, 4095, &number) ? (int)number : 0;
}

/* The rest of the row is the value: "0,28" need not be quoted. */
static char *value_of(const fr__csv *csv) {
  const fr__csv_field *const last = &csv->field[csv->count - 1];
  char *value = (char *)csv->field[2].text; /* into our own text */
  value[last->text + last->length - value] = '\0';
  return value;
}

static enum fr_status read_time(const fr__csv *csv, uint64_t *shift_ns, fr__recording *r,
                                uint64_t *out, fr_error *err) {
  char text[32];
  snprintf(text, sizeof text, "%.*s",
           csv->field[0].length < sizeof text ? (int)csv->field[0].length : 0,
           csv->field[0].text);
  int64_t told;
  if (!fr__parse_integer(text, 0, TIME_CEILING, &told))
    return fr__csv_fail(csv, 0, "is not a time in nanoseconds", err);
  uint64_t t_ns = (uint64_t)told + *shift_ns;
  if (t_ns < r->end_ns) {
    *shift_ns += r->end_ns - t_ns;
    t_ns = r->end_ns;
    r->jumps++;
  }
  if (t_ns > (uint64_t)TIME_CEILING)
    return fr__csv_fail(csv, 0, "is too late", err);
  *out = r->end_ns = t_ns;
  return FR_OK;
}

static enum fr_status read_item(const fr__csv *csv, fr__recording *r, uint32_t *out,
                                fr_error *err) {
  char path[FR__RECORDING_PATH + 8], key[FR__RECORDING_PATH];
  const fr__csv_field *field = &csv->field[1];
  if (field->length == 0 || field->length >= sizeof path ||
      memchr(field->text, '\0', field->length) != NULL)
    return fr__csv_fail(csv, 1, "is not a path", err);
  snprintf(path, sizeof path, "%.*s", (int)field->length, field->text);
  if (!fr__recording_key(path, key))
    return fr__csv_fail(csv, 1, "is too long", err);
  *out = find_key(r, key);
  return *out != FR_NONE ? FR_OK : add_item(r, key, out, err);
}

static enum fr_status read_row(fr__recording *r, const fr__csv *csv, uint64_t *shift_ns,
                               fr_error *err) {
  if (csv->count < 3)
    return fr__csv_fail(csv, csv->count, "", err);
  fr__row row = {0};
  enum fr_status status = read_time(csv, shift_ns, r, &row.t_ns, err);
  if (status == FR_OK)
    status = read_item(csv, r, &row.item, err);
  if (status != FR_OK)
    return status;
  char *value = value_of(csv);
  if (value[0] != '!')
    row.value = value;
  else if ((row.error = parse_errno(value + 1)) == 0)
    return fr__csv_fail(csv, 2, "is not the name or number of an error", err);
  if (!grow((void **)&r->row, r->count, &r->capacity, sizeof *r->row))
    return fr__fail_memory(err, "a recording's timeline");
  r->row[r->count++] = row;
  return FR_OK;
}

static enum fr_status read_rows(fr__recording *r, const char *name, size_t size,
                                fr_error *err) {
  fr__csv csv;
  fr__csv_init(&csv, name, r->text, size, ',');
  uint64_t shift_ns = 0;
  bool more = true;
  enum fr_status status = FR_OK;
  for (bool first = true; status == FR_OK && more; first = false) {
    status = fr__csv_next(&csv, &more, err);
    if (status != FR_OK || !more)
      break;
    const bool header =
        first && csv.field[0].length == 4 && memcmp(csv.field[0].text, "t_ns", 4) == 0;
    if (!header)
      status = read_row(r, &csv, &shift_ns, err);
  }
  fr__csv_release(&csv);
  return status;
}

/* ---- suspends ---- */

static int by_size(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* The usual time between two rows; 0 without any. */
static uint64_t usual_gap(const fr__recording *r, uint64_t *room) {
  size_t n = 0;
  uint64_t before_ns = 0;
  for (size_t i = 0; i < r->count; i++) {
    if (r->row[i].t_ns > before_ns)
      room[n++] = r->row[i].t_ns - before_ns;
    before_ns = r->row[i].t_ns;
  }
  qsort(room, n, sizeof *room, by_size);
  return n > 0 ? room[n / 2] : 0;
}

/* A gap while something could not be read tells nothing, and neither does the last one:
 * who records a suspend records on after it. */
static enum fr_status find_gaps(fr__recording *r, fr_error *err) {
  uint64_t *room = malloc((r->count + 1) * sizeof *room);
  r->gap = malloc((r->count + 1) * sizeof *r->gap);
  if (room == NULL || r->gap == NULL) {
    free(room);
    return fr__fail_memory(err, "a recording's timeline");
  }
  const uint64_t usual = usual_gap(r, room);
  free(room);
  fr__recording_rewind(r);
  uint64_t before_ns = 0;
  while (r->at < r->count) {
    const fr__gap gap = {r->now_ns, r->row[r->at].t_ns, before_ns};
    const uint64_t span = gap.to_ns - gap.from_ns;
    bool failing = false;
    for (size_t i = 0; span > GAP_NS && i < r->items; i++)
      failing |= r->item[i].error != 0;
    if (span > GAP_NS && span / GAP_TIMES > usual && gap.to_ns < r->end_ns && !failing) {
      r->gap[r->gaps++] = gap;
      before_ns += span;
    }
    (void)fr__recording_move(r, gap.to_ns);
  }
  return FR_OK;
}

uint64_t fr__recording_asleep_ns(const fr__recording *r, uint64_t t_ns) {
  size_t low = 0, high = r->gaps; /* the gaps that began before t_ns are [0, low) */
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (r->gap[middle].from_ns < t_ns)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0)
    return 0;
  const fr__gap *last = &r->gap[low - 1];
  return last->before_ns + (last->to_ns < t_ns ? last->to_ns : t_ns) - last->from_ns;
}

/* ---- its life ---- */

enum fr_status fr__recording_load(const char *folder, fr__recording *out, fr_error *err) {
  fr__recording *r = out;
  *r = (fr__recording){0};
  char *name = fr__path_join(folder, "timeline.csv");
  r->bucket = malloc(BUCKETS * sizeof *r->bucket);
  if (name == NULL || r->bucket == NULL) {
    free(name);
    return fr__fail_memory(err, "a recording");
  }
  memset(r->bucket, 0xff, BUCKETS * sizeof *r->bucket); /* FR_NONE */
  size_t size = 0;
  enum fr_status status =
      fr__file_read(name, FR__RECORDING_CEILING, &r->text, &size, err);
  if (status == FR_OK)
    status = read_rows(r, name, size, err);
  if (status == FR_OK && r->end_ns == 0)
    status = fr__fail(err, FR_ERR_FORMAT, "'%s' has no row after t_ns 0", name);
  if (status == FR_OK)
    status = find_gaps(r, err);
  free(name);
  if (status == FR_OK)
    fr__recording_rewind(r);
  return status;
}

void fr__recording_release(fr__recording *r) {
  for (size_t i = 0; i < r->items; i++)
    free((char *)r->item[i].path);
  free(r->item);
  free(r->row);
  free(r->bucket);
  free(r->gap);
  free(r->text);
  *r = (fr__recording){0};
}

bool fr__recording_move(fr__recording *r, uint64_t t_ns) {
  for (; r->at < r->count && r->row[r->at].t_ns <= t_ns; r->at++) {
    const fr__row *row = &r->row[r->at];
    r->item[row->item].value = row->value;
    r->item[row->item].error = row->error;
  }
  const bool inside = t_ns <= r->end_ns;
  const uint64_t to_ns = inside ? t_ns : r->end_ns;
  if (to_ns > r->now_ns)
    r->now_ns = to_ns;
  return inside;
}

void fr__recording_rewind(fr__recording *r) {
  for (size_t i = 0; i < r->items; i++) {
    r->item[i].value = NULL;
    r->item[i].error = 0;
  }
  r->at = 0;
  r->now_ns = 0;
  (void)fr__recording_move(r, 0);
}
