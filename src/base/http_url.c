/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses. What passes the check is the same server to every reader of it: no user, no
 * backslash, no control character, nothing that one parser takes for another's host. */
#include "base/http_parts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/error.h"

#define URL_CEILING 4096

bool fr__http_is_https(const char *url) { return strncasecmp(url, "https://", 8) == 0; }

/* The bytes from scheme to the end of host and port; *host: where the host begins. */
static size_t server_length(const char *url, size_t *host) {
  *host = fr__http_is_https(url) ? 8 : strncasecmp(url, "http://", 7) == 0 ? 7 : 0;
  return *host + strcspn(url + *host, "/?#");
}

static bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* unreserved, sub-delims and the rest of RFC 3986, 3.3 and 3.4 */
static bool is_allowed(char c) {
  return is_letter_or_digit(c) ||
         (c != '\0' && strchr("-._~!$&'()*+,;=:@/?%[]", c) != NULL);
}

/* "host", "host:80", "[::1]:80" */
static bool is_host(const char *text, size_t length) {
  size_t i = 0;
  if (length > 0 && text[0] == '[') {
    for (i = 1; i < length && text[i] != ']'; i++)
      if (!is_letter_or_digit(text[i]) && text[i] != ':' && text[i] != '.')
        return false;
    if (i == length || i == 1)
      return false;
    i++;
  } else {
    while (i < length &&
           (is_letter_or_digit(text[i]) || text[i] == '-' || text[i] == '.'))
      i++;
    if (i == 0)
      return false;
  }
  if (i < length && text[i++] != ':')
    return false;
  for (; i < length; i++)
    if (text[i] < '0' || text[i] > '9')
      return false;
  return true;
}

/* What is wrong is not repeated: it may hold a password. */
enum fr_status fr__http_url_check(const char *url, fr_error *err) {
  size_t host;
  const size_t end = server_length(url, &host);
  if (host == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "an address is neither http:// nor https://");
  if (memchr(url + host, '@', end - host) != NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "an address has a user or a password in it");
  if (!is_host(url + host, end - host))
    return fr__fail(err, FR_ERR_ARGUMENT, "an address has no host that can be read");
  const size_t length = strlen(url);
  if (length > URL_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "an address has more than %d bytes", URL_CEILING);
  for (size_t i = end; i < length; i++)
    if (!is_allowed(url[i]))
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "an address at '%.*s' has a character that none may have",
                      (int)(end < 128 ? end : 128), url);
  return FR_OK;
}

static bool host_is(const char *host, size_t length, const char *name) {
  return strlen(name) == length && strncasecmp(host, name, length) == 0;
}

/* Four numbers, the first 127: "127.evil.org" is none. */
static bool is_127(const char *host, size_t length) {
  unsigned dots = 0;
  if (length > 15 || strncmp(host, "127.", 4) != 0)
    return false;
  for (size_t i = 0; i < length; i++) {
    dots += host[i] == '.';
    if (host[i] != '.' && (host[i] < '0' || host[i] > '9'))
      return false;
  }
  return dots == 3 && host[length - 1] != '.';
}

bool fr__http_is_loopback(const char *url) {
  size_t from;
  const size_t end = server_length(url, &from);
  const char *const host = url + from;
  const size_t all = end - from;
  const char *const bracket = memchr(host, ']', all);
  const char *const colon = bracket != NULL ? bracket + 1 : memchr(host, ':', all);
  const size_t length = colon != NULL ? (size_t)(colon - host) : all;
  return host_is(host, length, "localhost") || host_is(host, length, "[::1]") ||
         is_127(host, length);
}

/* Without the port that its scheme has anyway. */
static size_t plain_length(const char *url) {
  size_t host;
  const size_t end = server_length(url, &host);
  const char *const usual = fr__http_is_https(url) ? ":443" : ":80";
  const size_t length = strlen(usual);
  if (end > length && strncmp(url + end - length, usual, length) == 0)
    return end - length;
  return end;
}

bool fr__http_same_server(const char *a, const char *b) {
  const size_t length = plain_length(a);
  return plain_length(b) == length && strncasecmp(a, b, length) == 0;
}

void fr__http_server(const char *url, char *text, size_t size) {
  size_t host;
  const size_t end = server_length(url, &host);
  const char *const at = memchr(url + host, '@', end - host);
  const char *const from = at != NULL ? at + 1 : url + host;
  (void)snprintf(text, size, "%.*s%.*s", (int)host, url, (int)(url + end - from), from);
}

char *fr__http_escape(const char *text) {
  fr__buf out;
  fr__buf_init(&out, URL_CEILING);
  fr__buf_add(&out, "");
  for (const char *c = text; *c != '\0'; c++) {
    if (is_letter_or_digit(*c) || strchr("-._~", *c) != NULL)
      fr__buf_add_bytes(&out, c, 1);
    else
      fr__buf_printf(&out, "%%%02X", (unsigned)(unsigned char)*c);
  }
  char *const escaped = fr__buf_detach(&out);
  fr__buf_release(&out);
  return escaped;
}
