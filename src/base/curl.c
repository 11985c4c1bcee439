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
      !find(library, "curl_easy_cleanup", &found.easy_cleanup) ||
      !find(library, "curl_slist_append", &found.slist_append) ||
      !find(library, "curl_slist_free_all", &found.slist_free_all))
    return fr__fail(err, FR_ERR_NOT_FOUND, "libcurl lacks a function that is needed");
  *curl = found;
  return FR_OK;
}

static CURLcode only_web(const fr__curl *lib, CURL *curl) {
#if LIBCURL_VERSION_NUM >= 0x075500
  const CURLcode code = lib->easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  return code != CURLE_OK
             ? code
             : lib->easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
  const long web = CURLPROTO_HTTP | CURLPROTO_HTTPS;
  const CURLcode code = lib->easy_setopt(curl, CURLOPT_PROTOCOLS, web);
  return code != CURLE_OK ? code : lib->easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, web);
#endif
}

CURLcode fr__curl_usual(const fr__curl *lib, CURL *curl, const char *url) {
  lib->easy_setopt(curl, CURLOPT_URL, url);
  lib->easy_setopt(curl, CURLOPT_USERAGENT, "frugal/" FR_VERSION);
  lib->easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  lib->easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  lib->easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  return only_web(lib, curl);
}
