/*
 * Stands in for `git pack-objects` in a `git upload-pack` that the server has started: has the
 * server make the pack.
 *
 *   pack-objects-hook git ARGUMENT...     as `uploadpack.packObjectsHook` is called
 *
 * Descriptor 3 is a connection to the server. What is said over it is described in
 * src/services/common/pack-objects/pack-channel.ts. Where this program isn't built, `gitaly-hooks`
 * takes its place, which costs far more for each pack.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  SERVER = 3,
  FRAME_BYTES_MAX = 64 << 10,
  PACKET_BYTES_MAX = 65520,
  PACKET_HEADER_BYTES = 4,
};

static void write_all(int to, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t written = write(to, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) exit(1);
    bytes += written;
    size -= (size_t)written;
  }
}

static size_t read_some(int from, char *bytes, size_t size) {
  for (;;) {
    ssize_t count = read(from, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) exit(1);
    return (size_t)count;
  }
}

/* `frame` has room for the size before `size` bytes. */
static void send_frame(char *frame, size_t size) {
  for (int i = 0; i < 4; i++) frame[i] = (char)(uint8_t)(size >> (24 - 8 * i));
  write_all(SERVER, frame, 4 + size);
}

static void send_arguments(char *frame, char **arguments) {
  size_t size = 0;
  for (; *arguments != NULL; arguments++) {
    size_t length = strlen(*arguments) + 1;
    if (size + length > FRAME_BYTES_MAX) exit(1);
    memcpy(frame + 4 + size, *arguments, length);
    size += length;
  }
  send_frame(frame, size);
}

static void send_input(char *frame) {
  size_t size;
  while ((size = read_some(STDIN_FILENO, frame + 4, FRAME_BYTES_MAX)) > 0) send_frame(frame, size);
  send_frame(frame, 0);
}

/* Returns the size of the packet that begins with these digits. */
static size_t packet_size(const char *digits) {
  char text[PACKET_HEADER_BYTES + 1] = {0};
  char *end;
  memcpy(text, digits, PACKET_HEADER_BYTES);
  unsigned long size = strtoul(text, &end, 16);
  if (*end != '\0' || size > PACKET_BYTES_MAX) exit(1);
  return size;
}

/* Puts each band on its stream. Returns at the flush that says that the pack is complete. */
static void receive_pack(void) {
  static char bytes[4 * PACKET_BYTES_MAX];
  size_t filled = 0;
  for (;;) {
    size_t start = 0;
    while (filled - start >= PACKET_HEADER_BYTES) {
      const char *packet = bytes + start;
      size_t size = packet_size(packet);
      if (size == 0) return;
      if (size <= PACKET_HEADER_BYTES) exit(1);
      if (filled - start < size) break;
      char band = packet[PACKET_HEADER_BYTES];
      if (band != 1 && band != 2) exit(1);
      write_all(band, packet + PACKET_HEADER_BYTES + 1, size - PACKET_HEADER_BYTES - 1);
      start += size;
    }
    filled -= start;
    memmove(bytes, bytes + start, filled);
    size_t count = read_some(SERVER, bytes + filled, sizeof bytes - filled);
    if (count == 0) exit(1);
    filled += count;
  }
}

int main(int argc, char **argv) {
  static char frame[4 + FRAME_BYTES_MAX];
  if (argc < 2 || strcmp(argv[1], "git") != 0) return 1;
  send_arguments(frame, argv + 2);
  send_input(frame);
  receive_pack();
  return 0;
}
