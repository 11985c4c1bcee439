/* SPDX-License-Identifier: Apache-2.0 */
#include "base/curl.h"

#include <dlfcn.h>
#include <string.h>

#include "base/error.h"

/* The major version whose interface <curl/curl.h> describes. */
static const char *const files[] = {"libcurl.so.4", "libcurl-gnutls.so.4",
                                    "libcurl.4.dylib"};

static void *open_library(void) {
  void *library = NULL;
  for (size_t i = 0; library == NULL && i < sizeof files / sizeof *files; i++)
    library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
  return library;
}

/* `function` is the address of a pointer to a function: POSIX lets dlsym's result be one,
 * C does not let it be converted. */
static bool find(void *library, const char *name, void *function) {
  void *const symbol = dlsym(library, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}

enum fr_status fr__curl_load(fr__curl *curl, fr_error *err) {
  fr__curl found = {0};
  void *const library = open_library();
  if (library == NULL)
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "libcurl is not installed, without which nothing can be fetched");
  if (!find(library, "curl_easy_init", &found.easy_init) ||
      !find(library, "curl_easy_setopt", &found.easy_setopt) ||
      !find(library, "curl_easy_perform", &found.easy_perform) ||
      !find(library, "curl_easy_getinfo", &found.easy_getinfo) ||
      !find(library, "curl_easy_strerror", &found.easy_strerror) ||
      !find(library, "curl_easy_cleanup", &found.easy_cleanup))
    return fr__fail(err, FR_ERR_NOT_FOUND, "libcurl lacks a function that is needed");
  *curl = found;
  return FR_OK;
}
