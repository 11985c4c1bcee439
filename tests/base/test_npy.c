/* SPDX-License-Identifier: Apache-2.0 */
/* NPY files by NumPy give NumPy's numbers; what is damaged is refused, saying why. */
#include "../test.h"

#include "../golden/npy.h"
#include "base/npy.h"
#include "base/rng.h"

#define CASES (sizeof npy_cases / sizeof *npy_cases)

/* A copy whose end is the end of its storage, so that reading past it is seen. */
static unsigned char *copy_of(const void *bytes, size_t size) {
  unsigned char *const copy = malloc(size > 0 ? size : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, size);
  return copy;
}

static void assert_values(const fr__npy *npy, const float *expected) {
  float *const out = malloc((npy->count + 1) * sizeof *out);
  ASSERT_OK(fr__npy_read(npy, 0, npy->count, out, err));
  assert_memory_equal(out, expected, npy->count * sizeof *out);
  /* any stretch of it is the same stretch */
  for (size_t from = 0; from < npy->count; from += 3) {
    const size_t count = npy->count - from < 5 ? npy->count - from : 5;
    ASSERT_OK(fr__npy_read(npy, from, count, out, err));
    assert_memory_equal(out, expected + from, count * sizeof *out);
  }
  free(out);
}

static void numpy_s_files_give_numpy_s_values(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    unsigned char *const file = copy_of(npy_cases[i].file, npy_cases[i].size);
    fr__npy npy;
    ASSERT_OK(fr__npy_init(&npy, npy_cases[i].name, file, npy_cases[i].size, err));
    assert_int_equal(npy.count, npy_cases[i].count);
    assert_int_equal(npy.dimensions, npy_cases[i].dimensions);
    for (size_t d = 0; d < npy.dimensions; d++)
      assert_int_equal(npy.shape[d], npy_cases[i].shape[d]);
    assert_values(&npy, npy_cases[i].values);
    free(file);
  }
}

static void nothing_is_read_behind_the_end(void **state) {
  (void)state;
  fr__npy npy;
  fr_error error = {0};
  float out[32];
  ASSERT_OK(fr__npy_init(&npy, "a.npy", npy_file_0, npy_cases[0].size, err));
  assert_int_equal(fr__npy_read(&npy, 20, 5, out, &error), FR_ERR_ARGUMENT);
  assert_string_equal(error.text, "a.npy: it has 24 values");
  assert_int_equal(fr__npy_read(&npy, SIZE_MAX, 2, out, NULL), FR_ERR_ARGUMENT);
  ASSERT_OK(fr__npy_read(&npy, 24, 0, out, err));
}

/* ---- hostile files ---- */

static void refused(const void *bytes, size_t size, enum fr_status status,
                    const char *sentence) {
  unsigned char *const file = copy_of(bytes, size);
  fr__npy npy = {.count = 77};
  fr_error error = {0};
  assert_int_equal(fr__npy_init(&npy, "a.npy", file, size, &error), status);
  assert_string_equal(error.text, sentence);
  assert_int_equal(npy.count, 77);
  free(file);
}

/* A version 1 file of that header and `values` bytes of zeros. */
static size_t make_file(const char *header, size_t values, unsigned char file[1024]) {
  const size_t n = strlen(header);
  memcpy(file, "\x93NUMPY\1\0", 8);
  file[8] = (unsigned char)(n & 255);
  file[9] = (unsigned char)(n >> 8);
  memcpy(file + 10, header, n);
  memset(file + 10 + n, 0, values);
  return 10 + n + values;
}

static const struct {
  const char *header;
  size_t values;
  enum fr_status status;
  const char *sentence;
} damaged[] = {
#define HEAD "{'descr': '<f4', 'fortran_order': False, 'shape': "
    {HEAD "(2,), }", 7, FR_ERR_FORMAT, "a.npy: it is shorter than its shape says"},
    {HEAD "(2,), }", 9, FR_ERR_FORMAT, "a.npy: 1 bytes too many for its shape"},
    {HEAD "(4294967296, 4294967296, 2), }", 8, FR_ERR_FORMAT,
     "a.npy: it is shorter than its shape says"},
    {HEAD "(4611686018427387904,), }", 0, FR_ERR_FORMAT,
     "a.npy: it is shorter than its shape says"},
    {HEAD "(18446744073709551617,), }", 4, FR_ERR_FORMAT, "a.npy: the header is damaged"},
    {HEAD "(-1,), }", 4, FR_ERR_FORMAT, "a.npy: the header is damaged"},
    {HEAD "(1), }", 4, FR_ERR_FORMAT, "a.npy: the header is damaged"},
    {HEAD "(1,1,1,1,1,1,1,1,1), }", 4, FR_ERR_FORMAT, "a.npy: the header is damaged"},
    {HEAD "(1,), 'shape': (1,), }", 4, FR_ERR_FORMAT, "a.npy: the header is damaged"},
    {HEAD "(1,), 'more': 1, }", 4, FR_ERR_FORMAT, "a.npy: the header is damaged"},
    {HEAD "(1,), } x", 4, FR_ERR_FORMAT, "a.npy: the header is damaged"},
    {HEAD "(1,), ", 4, FR_ERR_FORMAT, "a.npy: the header is damaged"},
    {HEAD, 4, FR_ERR_FORMAT, "a.npy: the header is damaged"},
    {"{'descr': '<f4', 'fortran_order': False, }", 4, FR_ERR_FORMAT,
     "a.npy: the header is damaged"},
    {"{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", 4, FR_ERR_FORMAT,
     "a.npy: the header is damaged"},
    {"{'descr': '<f4\", 'fortran_order': False, 'shape': (1,)}", 4, FR_ERR_FORMAT,
     "a.npy: the header is damaged"},
    {"", 0, FR_ERR_FORMAT, "a.npy: the header is damaged"},
#define TAIL ", 'fortran_order': False, 'shape': (1,)}"
    {"{'descr': '|O'" TAIL, 4, FR_ERR_FORMAT,
     "a.npy: values of type '|O' are no plain numbers: f2, f4, f8, i1 to i8, u1 to u8 or "
     "b1"},
    {"{'descr': '<f16'" TAIL, 16, FR_ERR_FORMAT,
     "a.npy: values of type '<f16' are no plain numbers: f2, f4, f8, i1 to i8, u1 to u8 "
     "or b1"},
    {"{'descr': 'f4'" TAIL, 4, FR_ERR_FORMAT,
     "a.npy: values of type 'f4' are no plain numbers: f2, f4, f8, i1 to i8, u1 to u8 or "
     "b1"},
    {"{'descr': ''" TAIL, 4, FR_ERR_FORMAT,
     "a.npy: values of type '' are no plain numbers: f2, f4, f8, i1 to i8, u1 to u8 or "
     "b1"},
    {"{'descr': '\x1b[2J'" TAIL, 4, FR_ERR_FORMAT, "a.npy: the header is damaged"},
    {"{'descr': [('x', '<f4')]" TAIL, 4, FR_ERR_FORMAT,
     "a.npy: its values are records, not numbers"},
};

static void a_damaged_header_is_refused(void **state) {
  (void)state;
  unsigned char file[1024];
  for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
    const size_t size = make_file(damaged[i].header, damaged[i].values, file);
    refused(file, size, damaged[i].status, damaged[i].sentence);
  }
}

static void keys_may_stand_in_any_order(void **state) {
  (void)state;
  static const char *const headers[] = {
      "{'shape': (2L, 1L), \"fortran_order\": True, 'descr': '=f4'}\n",
      "{ 'fortran_order' :False,'descr':'>i4' , 'shape':( 2 , 1 ,),}",
  };
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    unsigned char file[1024];
    const size_t size = make_file(headers[i], 8, file);
    fr__npy npy;
    ASSERT_OK(fr__npy_init(&npy, "a.npy", file, size, err));
    assert_int_equal(npy.dimensions, 2);
    assert_int_equal(npy.count, 2);
  }
}

static void other_files_and_versions_are_refused(void **state) {
  (void)state;
  unsigned char file[400];
  const size_t size = npy_cases[1].size; /* version 2 */
  memcpy(file, npy_file_1, size);
  refused("PK\3\4aaaaaaaaaaaa", 16, FR_ERR_FORMAT, "a.npy is no NPY file");
  refused("", 0, FR_ERR_FORMAT, "a.npy is no NPY file");
  file[6] = 4;
  refused(file, size, FR_ERR_FORMAT,
          "a.npy: NPY version 4.0 is not known: 1.0, 2.0 and 3.0 are");
  file[6] = 2;
  memcpy(file + 8, "\1\0\1\0", 4); /* 65,537 */
  refused(file, size, FR_ERR_LIMIT, "a.npy: a header of more than 65536 bytes");
  memcpy(file + 8, "\xff\xff\0\0", 4);
  refused(file, size, FR_ERR_FORMAT, "a.npy: it ends in its header");
}

/* Wherever it ends. */
static void a_cut_file_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++)
    for (size_t size = 0; size < npy_cases[i].size; size++) {
      unsigned char *const file = copy_of(npy_cases[i].file, size);
      fr__npy npy;
      assert_int_equal(fr__npy_init(&npy, "a.npy", file, size, NULL), FR_ERR_FORMAT);
      free(file);
    }
}

/* Reads all of it if it can be read at all. */
static void try_file(const unsigned char *bytes, size_t size) {
  unsigned char *const file = copy_of(bytes, size);
  fr__npy npy;
  fr_error error = {0};
  if (fr__npy_init(&npy, "a.npy", file, size, &error) == FR_OK) {
    assert_true(npy.count * npy.width <= size && npy.dimensions <= FR__NPY_DIMENSIONS);
    float *const out = malloc((npy.count + 1) * sizeof *out);
    (void)fr__npy_read(&npy, 0, npy.count, out, &error);
    free(out);
  } else {
    assert_true(error.text[0] != '\0');
  }
  free(file);
}

/* One byte wrong, in every place; then several of the header. */
static void wrong_bytes_are_refused_or_read_within_bounds(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 3, 0);
  for (size_t i = 0; i < CASES; i++) {
    const size_t size = npy_cases[i].size;
    unsigned char *const file = copy_of(npy_cases[i].file, size);
    for (size_t n = 0; n < 4 * size; n++) {
      static const char marks[] = "0123456789(),'\":{}FTL<>=|fiub \n[]";
      const unsigned char was = file[n / 4];
      file[n / 4] = n % 2 == 0 ? (unsigned char)fr__rng_below(&rng, 256)
                               : (unsigned char)marks[fr__rng_below(&rng, 33)];
      try_file(file, size);
      file[n / 4] = n % 4 == 3 && n / 4 >= 8 && fr__rng_below(&rng, 8) == 0 ? ' ' : was;
    }
    free(file);
  }
}

static void a_value_that_no_float_holds_is_named(void **state) {
  (void)state;
  unsigned char file[1024];
  const size_t size =
      make_file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", 24, file);
  memcpy(file + size - 8, "\0\0\xc0\x7f", 4); /* NaN, value 4: (0, 2) by columns */
  fr__npy npy;
  fr_error error = {0};
  float out[6];
  ASSERT_OK(fr__npy_init(&npy, "a.npy", file, size, err));
  assert_int_equal(fr__npy_read(&npy, 0, 6, out, &error), FR_ERR_FORMAT);
  assert_string_equal(error.text, "a.npy: value (0, 2) is not a finite number");
  ASSERT_OK(fr__npy_read(&npy, 3, 3, out, err));
  const size_t wide =
      make_file("{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", 24, file);
  const double much = 1e39;
  memcpy(file + wide - 8, &much, sizeof much);
  ASSERT_OK(fr__npy_init(&npy, "a.npy", file, wide, err));
  assert_int_equal(fr__npy_read(&npy, 1, 2, out, &error), FR_ERR_FORMAT);
  assert_string_equal(error.text, "a.npy: value (2) is too large");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numpy_s_files_give_numpy_s_values),
      cmocka_unit_test(nothing_is_read_behind_the_end),
      cmocka_unit_test(a_damaged_header_is_refused),
      cmocka_unit_test(keys_may_stand_in_any_order),
      cmocka_unit_test(other_files_and_versions_are_refused),
      cmocka_unit_test(a_cut_file_is_refused),
      cmocka_unit_test(wrong_bytes_are_refused_or_read_within_bounds),
      cmocka_unit_test(a_value_that_no_float_holds_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
