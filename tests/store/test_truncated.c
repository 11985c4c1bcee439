/* SPDX-License-Identifier: Apache-2.0 */
/* A database or a WAL that is cut off at any byte: what is whole is read or a sentence
 * says why not; nothing crashes. */
#include "place.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "../test.h"
#include "base/file.h"

enum { RUNS = 6 };

typedef struct bytes {
  char *at;
  size_t size;
} bytes;

typedef struct image {
  bytes database, wal;
} image;

static bytes read_bytes(const char *path) {
  bytes b = {0};
  ASSERT_OK(fr__file_read(path, (size_t)1 << 24, &b.at, &b.size, err));
  return b;
}

static void path_of(const place *p, const char *suffix, char path[128]) {
  snprintf(path, 128, "%s%s", p->path, suffix);
}

static void exec_sql(const char *path, const char *sql) {
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  sqlite3_exec(db, sql, NULL, NULL, NULL);
  sqlite3_close(db);
}

/* The store takes over the page size of an empty database: with small pages the same rows
 * make a file of a few kilobytes, whose every byte can be tried in little time. */
static void choose_page_size(const place *p, int page_bytes) {
  char sql[64];
  fr_store_close(place_open(p)); /* makes the folder */
  remove(p->path);
  snprintf(sql, sizeof sql, "PRAGMA page_size = %d; VACUUM", page_bytes);
  exec_sql(p->path, sql);
}

/* Both files as they lie while a process has them open, the rows of the last `late` runs
 * in the WAL. */
static image take(const place *p, int page_bytes, int late) {
  image i;
  char wal[128];
  choose_page_size(p, page_bytes);
  fr_store *store = place_open(p);
  for (int r = 0; r < RUNS; r++) {
    int64_t id = 0;
    ASSERT_OK(fr_store_run_begin(store, &(fr_run){0}, &id, err));
    const fr_store_sample sample = {.t_ns = 1, .power_w = 3};
    ASSERT_OK(fr_store_samples(store, id, &sample, 1, err));
    ASSERT_OK(fr_store_run_end(store, id, "done", "{}", err));
    if (r == RUNS - 1 - late)
      exec_sql(p->path, "PRAGMA wal_checkpoint(TRUNCATE)");
  }
  path_of(p, "-wal", wal);
  i.database = read_bytes(p->path);
  i.wal = read_bytes(wal);
  fr_store_close(store);
  assert_int_equal(page_bytes, (unsigned char)i.database.at[16] << 8 |
                                   (unsigned char)i.database.at[17]);
  return i;
}

static void lay(const char *path, const bytes *b, size_t size) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, b->at, size), (ssize_t)size);
  close(fd);
}

static bool count(void *self, const fr_run *run) {
  *(size_t *)self += strcmp(run->state, "done") == 0;
  return true;
}

/* Runs that can be read; SIZE_MAX where a sentence says that none can. */
static size_t readable(const place *p, bool writable) {
  fr_store *store = NULL;
  fr_error err = {0};
  size_t runs = 0;
  const enum fr_status status = writable ? fr_store_open(p->path, &store, &err)
                                         : fr_store_open_read(p->path, &store, &err);
  if (status == FR_OK && fr_store_runs(store, -1, count, &runs, &err) == FR_OK) {
    fr_store_power power;
    (void)fr_store_power_of(store, 1, &power, &err);
    fr_store_close(store);
    return runs;
  }
  assert_true(strstr(err.text, p->path) != NULL);
  fr_store_close(store);
  return SIZE_MAX;
}

static void release(image *i) {
  free(i->database.at);
  free(i->wal.at);
}

/* A reader changes neither file: both are cut off where they lie. A writer puts what is
 * whole into the database and removes the WAL: then they are laid anew. */
static size_t cut_wal(const place *p, const image *i, size_t size, bool writable) {
  char wal[128];
  path_of(p, "-wal", wal);
  if (access(wal, F_OK) != 0) {
    lay(p->path, &i->database, i->database.size);
    lay(wal, &i->wal, size);
  }
  assert_int_equal(truncate(wal, (off_t)size), 0);
  const size_t runs = readable(p, writable);
  if (writable)
    remove(wal);
  return runs;
}

static void remove_all(const place *p) {
  static const char *const suffix[] = {"", "-wal", "-shm"};
  char path[128];
  for (size_t i = 0; i < 3; i++) {
    path_of(p, suffix[i], path);
    remove(path);
  }
}

static void the_wal_cut_off_at_every_byte(void **state) {
  const place *p = *state;
  image i = take(p, 512, 2);
  remove_all(p);
  size_t before = RUNS;
  for (size_t size = i.wal.size + 1; size-- > 0;) {
    const size_t runs = cut_wal(p, &i, size, size % 64 == 0);
    assert_true(runs != SIZE_MAX && runs <= before); /* shorter never holds more */
    before = runs;
  }
  assert_true(before == RUNS - 2 && i.wal.size > 8000);
  release(&i);
}

/* As stores are made: cut around the ends of frames (24 bytes and a page), where what is
 * whole changes, and here and there between. */
static void a_wal_of_usual_pages_cut_off(void **state) {
  enum { HEAD = 32, PAGE = 4096, FRAME = PAGE + 24 };
  const place *p = *state;
  image i = take(p, PAGE, 2);
  remove_all(p);
  size_t before = RUNS, steps = 0;
  for (size_t size = i.wal.size + 1; size-- > 0;) {
    const size_t in = size < HEAD ? size : (size - HEAD) % FRAME;
    if (in > 25 && in < FRAME - 2 && in % 509 != 0)
      continue;
    const size_t runs = cut_wal(p, &i, size, in == 1);
    assert_true(runs != SIZE_MAX && runs <= before);
    before = runs;
    steps++;
  }
  assert_true(before == RUNS - 2 && steps > 300);
  release(&i);
}

static void the_database_cut_off_at_every_byte(void **state) {
  const place *p = *state;
  image i = take(p, 512, 1);
  assert_true(i.database.size > 8000);
  remove_all(p);
  lay(p->path, &i.database, i.database.size);
  assert_int_equal(readable(p, false), RUNS - 1);
  for (size_t size = i.database.size; size-- > 0;) {
    assert_int_equal(truncate(p->path, (off_t)size), 0);
    (void)readable(p, false);
  }
  release(&i);
}

/* A writer repairs or refuses; it must not make a new empty store of a damaged one. */
static void a_writer_opens_a_cut_off_database(void **state) {
  const place *p = *state;
  char wal[128], shm[128];
  image i = take(p, 4096, 1);
  path_of(p, "-wal", wal);
  path_of(p, "-shm", shm);
  /* A file of one byte is an empty one to SQLite; nothing is lost by it. */
  for (size_t size = 2; size < i.database.size; size += size % 512 < 2 ? 1 : 255) {
    lay(p->path, &i.database, size);
    remove(wal);
    remove(shm);
    const size_t runs = readable(p, true);
    assert_true(runs == SIZE_MAX || runs > 0);
  }
  release(&i);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      PLACE_TEST(the_wal_cut_off_at_every_byte),
      PLACE_TEST(a_wal_of_usual_pages_cut_off),
      PLACE_TEST(the_database_cut_off_at_every_byte),
      PLACE_TEST(a_writer_opens_a_cut_off_database),
  };
  return cmocka_run_group_tests_name("store/truncated", tests, NULL, NULL);
}
