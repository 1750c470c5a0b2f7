/*
 * Starts processes for the server, so that the server itself never forks.
 *
 *   spawn-helper SOCKET        with one end of a socket pair, the control connection, as descriptor 3
 *
 * The server connects to SOCKET once for each stream of a process, and says on the control
 * connection when a process has to end. Here a process is started with these connections as its
 * descriptors (nothing is relayed), and the control connection tells the server how that went.
 * The bytes are described in src/gitcmd/spawn/helper-protocol.ts; the program of the same name in
 * Node beside it speaks them too, and one test runs both.
 *
 * Promises beyond the protocol:
 * - Each process leads a process group of its own, in which it can be ended with its children.
 * - Descendants whose parent has died become children of this program, which is how it knows when
 *   a group is really gone.
 * - When the control connection ends, because the server stopped or was killed, every group is
 *   ended and then this program.
 * - One thread, no blocking but on the control connection, which the server always reads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  PROTOCOL_VERSION = 1,
  CONTROL = 3,
  BACKLOG = 4096,
  BODY_BYTES_MAX = 8 << 20,    /* of one request; the kernel takes about 2 MiB */
  STDERR_BYTES_MAX = 64 << 10, /* kept of one process, the rest is read and dropped */
  WAITING_MAX = 4096,          /* connections that no process has got yet */
  RUNNING_MAX = 65536,
  BUCKETS = 4096,       /* of the hash tables; a power of two */
  SHUTDOWN_MS = 5000,   /* from SIGTERM to SIGKILL when the server is gone */
  ACCEPT_AGAIN_MS = 100, /* how long new connections wait when descriptors have run out */
  PIPE_BYTES = 1 << 20, /* of a pipe for stdin; the system may grant less */
  AFTER_KILL_MS = 2000, /* how long a killed group may take to vanish before its end is reported */
};

/* What a connection is for; also its place among a process's descriptors. */
enum { FOR_STDOUT, FOR_STDIN, FOR_STDERR, FOR_CHANNEL, ROLES };
/* Flags of a request: which connections come beside the one for stdout. */
enum { HAS_STDIN = 1, HAS_STDERR = 2, HAS_CHANNEL = 4, HAS_PIPE = 8 };
enum { SAYS_READY = 1, SAYS_STARTED, SAYS_FAILED, SAYS_EXITED };
enum { ASKS_KILL = 1, ASKS_CANCEL, ASKS_RELEASE };
/* What this program can do beyond the first version of the protocol. */
enum { CAN_PIPE = 1 };
/* Where a start failed. */
enum { AT_REQUEST = 1, AT_LIMIT, AT_FORK, AT_CWD, AT_EXEC };

struct header {
  uint32_t role, id, flags, body_length;
};
struct order {
  uint32_t type, id, value, reserved;
};

struct watch {
  void (*ready)(void *owner, uint32_t events);
  void *owner;
};

/* A connection until a process takes it over. */
struct connection {
  struct watch watch;
  int fd;
  struct header header;
  size_t header_got, body_got;
  char *body;
  struct process *process;
};

struct process {
  struct process *next_by_id, *next_by_pid, *next_cancelled;
  uint32_t id;
  pid_t pid; /* 0 until started; its group has the same number */
  struct connection *waiting[ROLES];
  struct watch stderr_watch;
  int stderr_fd; /* our end of the pipe that collects stderr, or -1 */
  int pipe_fd;   /* keeps the named pipe of stdin open until the server has opened it, or -1 */
  char *stderr_bytes;
  size_t stderr_length, stderr_room;
  int has_exited, status, is_cancelled, is_killed;
  int64_t deadline_ms; /* of the next step of ending a cancelled group */
  struct rusage usage;
};

static const char *socket_path;
static int epoll_fd, listen_fd, signal_fd, null_fd;
static int is_accepting, is_ending;
static size_t waiting_count, running_count;
static struct process *by_id[BUCKETS], *by_pid[BUCKETS], *cancelled;
static struct watch listen_watch, signal_watch, control_watch;

static void die(const char *what) {
  fprintf(stderr, "spawn-helper: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void *grow(void *memory, size_t size) {
  void *grown = realloc(memory, size);
  if (grown == NULL) die("memory");
  return grown;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void watch_fd(int fd, uint32_t events, struct watch *watch) {
  struct epoll_event event = {.events = events, .data.ptr = watch};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

/*
 * The watch of a descriptor ends with its last copy, and a process that is being started may have
 * one for a moment, so closing ours is not enough.
 */
static void close_watched(int fd) {
  epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
  close(fd);
}

/* ---- what the server is told ---- */

static void tell(uint32_t type, uint32_t id, const void *facts, size_t facts_length,
                 const void *bytes, size_t bytes_length) {
  uint32_t head[3] = {(uint32_t)(8 + facts_length + bytes_length), type, id};
  struct iovec parts[3] = {{head, sizeof head}, {(void *)facts, facts_length}, {(void *)bytes, bytes_length}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
  size_t left = sizeof head + facts_length + bytes_length;
  while (left > 0 && !is_ending) {
    ssize_t sent = sendmsg(CONTROL, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      is_ending = 1;
      return;
    }
    left -= (size_t)sent;
    for (size_t done = (size_t)sent; done > 0 && message.msg_iovlen > 0;) {
      size_t step = done < message.msg_iov->iov_len ? done : message.msg_iov->iov_len;
      message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + step;
      message.msg_iov->iov_len -= step;
      done -= step;
      if (message.msg_iov->iov_len == 0) message.msg_iov++, message.msg_iovlen--;
    }
  }
}

static void tell_failure(uint32_t id, uint32_t stage, int error) {
  uint32_t facts[2] = {stage, (uint32_t)error};
  tell(SAYS_FAILED, id, facts, sizeof facts, NULL, 0);
}

static uint64_t microseconds(struct timeval time) {
  return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

static void tell_exit(const struct process *process) {
  const struct rusage *usage = &process->usage;
  struct {
    int32_t code;
    uint32_t signal;
    uint64_t numbers[9];
  } facts = {
      .code = WIFEXITED(process->status) ? WEXITSTATUS(process->status) : -1,
      .signal = WIFSIGNALED(process->status) ? (uint32_t)WTERMSIG(process->status) : 0,
      .numbers = {microseconds(usage->ru_utime), microseconds(usage->ru_stime),
                  (uint64_t)usage->ru_maxrss, (uint64_t)usage->ru_minflt,
                  (uint64_t)usage->ru_majflt, (uint64_t)usage->ru_inblock,
                  (uint64_t)usage->ru_oublock, (uint64_t)usage->ru_nvcsw,
                  (uint64_t)usage->ru_nivcsw},
  };
  tell(SAYS_EXITED, process->id, &facts, sizeof facts, process->stderr_bytes, process->stderr_length);
}

/* ---- the tables of processes ---- */

static struct process *find_by_id(uint32_t id) {
  struct process *process = by_id[id % BUCKETS];
  while (process != NULL && process->id != id) process = process->next_by_id;
  return process;
}

static struct process *find_by_pid(pid_t pid) {
  struct process *process = by_pid[(uint32_t)pid % BUCKETS];
  while (process != NULL && process->pid != pid) process = process->next_by_pid;
  return process;
}

static struct process *find_or_add(uint32_t id) {
  struct process *process = find_by_id(id);
  if (process != NULL) return process;
  process = grow(NULL, sizeof *process);
  memset(process, 0, sizeof *process);
  process->id = id;
  process->stderr_fd = -1;
  process->pipe_fd = -1;
  process->next_by_id = by_id[id % BUCKETS];
  by_id[id % BUCKETS] = process;
  return process;
}

static void unlink_process(struct process **list, struct process *process, size_t next) {
  while (*list != NULL && *list != process) list = (struct process **)((char *)*list + next);
  if (*list != NULL) *list = *(struct process **)((char *)process + next);
}

/* ---- named pipes for stdin ---- */

/* Returns 0 when there is no room for the path. */
static int pipe_path(uint32_t id, char *path, size_t room) {
  int length = snprintf(path, room, "%s.%u", socket_path, id);
  return length > 0 && (size_t)length < room;
}

/*
 * Returns the reading end, or -1. A socket takes 200 KiB ahead of its reader, which a process that
 * reads a pack has used up before a server on a busy machine gets its turn; a pipe takes more.
 */
static int open_pipe(struct process *process) {
  char path[PATH_MAX];
  if (!pipe_path(process->id, path, sizeof path)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  if (mkfifo(path, 0600) != 0) return -1;
  int reading = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (reading >= 0) process->pipe_fd = open(path, O_WRONLY | O_CLOEXEC);
  if (process->pipe_fd < 0) {
    int error = errno;
    if (reading >= 0) close(reading);
    unlink(path);
    errno = error;
    return -1;
  }
  fcntl(reading, F_SETFL, 0);
  fcntl(process->pipe_fd, F_SETPIPE_SZ, PIPE_BYTES);
  return reading;
}

/* The server has opened the pipe, or nobody will. */
static void release_pipe(struct process *process) {
  char path[PATH_MAX];
  if (process->pipe_fd < 0) return;
  close(process->pipe_fd);
  process->pipe_fd = -1;
  if (pipe_path(process->id, path, sizeof path)) unlink(path);
}

static void accept_again(void);

static void forget(struct process *process) {
  unlink_process(&by_id[process->id % BUCKETS], process, offsetof(struct process, next_by_id));
  unlink_process(&cancelled, process, offsetof(struct process, next_cancelled));
  if (process->pid != 0) {
    struct process **bucket = &by_pid[(uint32_t)process->pid % BUCKETS];
    unlink_process(bucket, process, offsetof(struct process, next_by_pid));
    running_count--;
  }
  if (process->stderr_fd >= 0) close_watched(process->stderr_fd);
  release_pipe(process);
  free(process->stderr_bytes);
  free(process);
  accept_again();
}

/* ---- stderr ---- */

/* Reads what is there without waiting for more. */
static void collect_stderr(void *owner, uint32_t events) {
  struct process *process = owner;
  char bytes[16384];
  ssize_t got;
  (void)events;
  if (process->stderr_fd < 0) return;
  while ((got = read(process->stderr_fd, bytes, sizeof bytes)) > 0) {
    size_t kept = STDERR_BYTES_MAX - process->stderr_length;
    if (kept > (size_t)got) kept = (size_t)got;
    if (process->stderr_length + kept > process->stderr_room) {
      process->stderr_room = 2 * (process->stderr_length + kept);
      process->stderr_bytes = grow(process->stderr_bytes, process->stderr_room);
    }
    if (kept > 0) memcpy(process->stderr_bytes + process->stderr_length, bytes, kept);
    process->stderr_length += kept;
    if ((size_t)got < sizeof bytes) break;
  }
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
    close_watched(process->stderr_fd);
    process->stderr_fd = -1;
  }
}

/* ---- starting ---- */

struct program {
  const char *path, *cwd;
  char **argv, **envp;
  int fds[ROLES];
  int stage, error; /* written by the child, which shares our memory until it has become git */
};

static int become(const struct program *program) {
  static const int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGTERM};
  static const int places[ROLES] = {[FOR_STDOUT] = 1, [FOR_STDIN] = 0, [FOR_STDERR] = 2, [FOR_CHANNEL] = 3};
  sigset_t none;
  setpgid(0, 0);
  /* Should this program die by accident, its processes must not go on alone. */
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_DFL);
  for (int role = 0; role < ROLES; role++)
    if (program->fds[role] >= 0 && dup2(program->fds[role], places[role]) < 0) return AT_FORK;
  if (chdir(program->cwd) != 0) return AT_CWD;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(program->path, program->argv, program->envp);
  return AT_EXEC;
}

/* All of the caller's own descriptors are above 3, so that the child may overwrite 0 to 3. */
static __attribute__((noinline)) pid_t fork_and_exec(struct program *program) {
  pid_t pid = vfork();
  if (pid == 0) {
    program->stage = become(program);
    program->error = errno;
    _exit(127);
  }
  if (pid < 0) {
    program->stage = AT_FORK;
    program->error = errno;
  }
  return pid;
}

static char *next_string(char **at, const char *end) {
  char *string = *at;
  if (string >= end) return NULL;
  *at += strlen(string) + 1;
  return string;
}

/* Splits the body of a request: counts of arguments and variables, then NUL-ended strings. */
static int parse_body(struct connection *connection, struct program *program) {
  uint32_t counts[2];
  size_t length = connection->header.body_length, slots;
  if (length <= sizeof counts || connection->body[length - 1] != '\0') return -1;
  memcpy(counts, connection->body, sizeof counts);
  if (counts[0] > length || counts[1] > length) return -1;
  slots = (size_t)counts[0] + counts[1] + 3;
  char **strings = grow(NULL, slots * sizeof *strings);
  char *at = connection->body + sizeof counts;
  const char *end = connection->body + length;
  program->path = next_string(&at, end);
  program->cwd = next_string(&at, end);
  program->argv = strings;
  program->envp = strings + counts[0] + 2;
  strings[0] = (char *)program->path;
  for (size_t i = 1; i < slots; i++)
    strings[i] = i == (size_t)counts[0] + 1 || i == slots - 1 ? NULL : next_string(&at, end);
  /* Too few strings leave a hole before the last slot, too many leave bytes. */
  int is_whole = at == end && program->cwd != NULL && (counts[0] == 0 || strings[counts[0]] != NULL) &&
                 (counts[1] == 0 || strings[slots - 2] != NULL);
  if (is_whole && program->path[0] == '/' && program->cwd[0] == '/') return 0;
  free(strings);
  return -1;
}

static void close_connection(struct connection *connection) {
  struct process *process = connection->process;
  if (process != NULL) process->waiting[connection->header.role] = NULL;
  close_watched(connection->fd);
  free(connection->body);
  free(connection);
  waiting_count--;
  accept_again();
}

static void close_waiting(struct process *process) {
  for (int role = 0; role < ROLES; role++)
    if (process->waiting[role] != NULL) close_connection(process->waiting[role]);
}

static void fail(struct process *process, uint32_t stage, int error) {
  release_pipe(process);
  tell_failure(process->id, stage, error);
  close_waiting(process);
  forget(process);
}

static void start(struct process *process) {
  struct program program = {.stage = 0};
  int pipe_fds[2] = {-1, -1}, stdin_fd = -1;
  uint32_t flags = process->waiting[FOR_STDOUT]->header.flags;
  if (running_count >= RUNNING_MAX) return fail(process, AT_LIMIT, EAGAIN);
  if (parse_body(process->waiting[FOR_STDOUT], &program) != 0) return fail(process, AT_REQUEST, EINVAL);
  for (int role = 0; role < ROLES; role++)
    program.fds[role] = process->waiting[role] == NULL ? -1 : process->waiting[role]->fd;
  if (!(flags & HAS_STDIN)) program.fds[FOR_STDIN] = null_fd;
  if (flags & HAS_PIPE) {
    if ((stdin_fd = open_pipe(process)) < 0) {
      free(program.argv);
      return fail(process, AT_FORK, errno);
    }
    program.fds[FOR_STDIN] = stdin_fd;
  }
  if (!(flags & HAS_STDERR)) {
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
      int error = errno;
      free(program.argv);
      if (stdin_fd >= 0) close(stdin_fd);
      return fail(process, AT_FORK, error);
    }
    program.fds[FOR_STDERR] = pipe_fds[1];
  }
  pid_t pid = fork_and_exec(&program);
  free(program.argv);
  if (pipe_fds[1] >= 0) close(pipe_fds[1]);
  if (stdin_fd >= 0) close(stdin_fd);
  if (program.stage != 0) {
    if (pid > 0) waitpid(pid, NULL, 0);
    if (pipe_fds[0] >= 0) close(pipe_fds[0]);
    return fail(process, (uint32_t)program.stage, program.error);
  }
  process->pid = pid;
  process->next_by_pid = by_pid[(uint32_t)pid % BUCKETS];
  by_pid[(uint32_t)pid % BUCKETS] = process;
  running_count++;
  if (pipe_fds[0] >= 0) {
    process->stderr_fd = pipe_fds[0];
    process->stderr_watch = (struct watch){collect_stderr, process};
    fcntl(process->stderr_fd, F_SETFL, O_NONBLOCK);
    watch_fd(process->stderr_fd, EPOLLIN, &process->stderr_watch);
  }
  close_waiting(process);
  uint32_t facts[1] = {(uint32_t)pid};
  tell(SAYS_STARTED, process->id, facts, sizeof facts, NULL, 0);
}

/* ---- connections ---- */

static int is_complete(const struct process *process) {
  const struct connection *request = process->waiting[FOR_STDOUT];
  if (request == NULL || request->body_got < request->header.body_length) return 0;
  uint32_t flags = request->header.flags;
  return (!(flags & HAS_STDIN) || process->waiting[FOR_STDIN] != NULL) &&
         (!(flags & HAS_STDERR) || process->waiting[FOR_STDERR] != NULL) &&
         (!(flags & HAS_CHANNEL) || process->waiting[FOR_CHANNEL] != NULL);
}

/* Gives up a connection that ended early or made no sense, and the start that waited for it. */
static void drop(struct connection *connection) {
  struct process *process = connection->process;
  close_connection(connection);
  if (process != NULL) fail(process, AT_REQUEST, ECONNRESET);
}

/* Not one byte more than the request is read: what follows is for the process. */
static ssize_t receive(struct connection *connection, void *bytes, size_t length) {
  ssize_t got = recv(connection->fd, bytes, length, MSG_DONTWAIT);
  if (got > 0) return got;
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return -1;
}

/* Returns 1 when the header is complete, 0 when more has to come, -1 when it is refused. */
static int receive_header(struct connection *connection) {
  struct header *header = &connection->header;
  if (connection->header_got == sizeof *header) return 1;
  while (connection->header_got < sizeof *header) {
    ssize_t got = receive(connection, (char *)header + connection->header_got, sizeof *header - connection->header_got);
    if (got <= 0) return (int)got;
    connection->header_got += (size_t)got;
  }
  if (header->role >= ROLES || header->body_length > BODY_BYTES_MAX) return -1;
  if (header->role != FOR_STDOUT && header->body_length != 0) return -1;
  struct process *process = find_or_add(header->id);
  if (process->pid != 0 || process->waiting[header->role] != NULL) return -1;
  process->waiting[header->role] = connection;
  connection->process = process;
  if (header->body_length > 0) connection->body = grow(NULL, header->body_length);
  return 1;
}

static void connection_ready(void *owner, uint32_t events) {
  struct connection *connection = owner;
  int state = receive_header(connection);
  if (state < 0) return drop(connection);
  if (state == 0) return;
  size_t wanted = connection->header.body_length;
  while (connection->body_got < wanted) {
    ssize_t got = receive(connection, connection->body + connection->body_got, wanted - connection->body_got);
    if (got < 0) return drop(connection);
    if (got == 0) return;
    connection->body_got += (size_t)got;
  }
  if (is_complete(connection->process)) start(connection->process);
  /* The server sends nothing before it was told of the start, so this is its end. */
  else if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) drop(connection);
}

static void accept_connections(void *owner, uint32_t events) {
  (void)owner, (void)events;
  for (;;) {
    int has_room = waiting_count < WAITING_MAX;
    int fd = has_room ? accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC) : -1;
    if (has_room && fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (has_room && fd < 0 && errno == EAGAIN) return;
    if (fd < 0) {
      /* No descriptors left, or too many wait: the queue stands still for a while. */
      epoll_ctl(epoll_fd, EPOLL_CTL_DEL, listen_fd, NULL);
      is_accepting = 0;
      return;
    }
    struct connection *connection = grow(NULL, sizeof *connection);
    memset(connection, 0, sizeof *connection);
    connection->fd = fd;
    connection->watch = (struct watch){connection_ready, connection};
    waiting_count++;
    watch_fd(fd, EPOLLIN | EPOLLRDHUP | EPOLLET, &connection->watch);
  }
}

static void accept_again(void) {
  if (is_accepting || is_ending) return;
  is_accepting = 1;
  watch_fd(listen_fd, EPOLLIN, &listen_watch);
}

/* ---- ending ---- */

static int group_is_gone(const struct process *process) {
  return process->has_exited && kill(-process->pid, 0) != 0;
}

static void cancel(struct process *process, uint32_t grace_ms) {
  if (process->pid == 0) return fail(process, AT_REQUEST, ECANCELED);
  if (process->is_cancelled) return;
  process->is_cancelled = 1;
  process->deadline_ms = now_ms() + grace_ms;
  process->next_cancelled = cancelled;
  cancelled = process;
  kill(-process->pid, SIGTERM);
}

static void finish(struct process *process) {
  collect_stderr(process, 0);
  release_pipe(process);
  tell_exit(process);
  forget(process);
}

/* Takes the next step with each cancelled group; returns the time until the one after. */
static int advance_cancelled(void) {
  int64_t now = now_ms(), next = -1;
  for (struct process *process = cancelled, *following; process != NULL; process = following) {
    following = process->next_cancelled;
    int is_due = now >= process->deadline_ms;
    if (group_is_gone(process) || (is_due && process->is_killed && process->has_exited)) {
      finish(process);
      continue;
    }
    if (is_due) {
      kill(-process->pid, SIGKILL);
      process->is_killed = 1;
      process->deadline_ms = now + AFTER_KILL_MS;
    }
    if (next < 0 || process->deadline_ms - now < next) next = process->deadline_ms - now;
  }
  return next > INT32_MAX ? INT32_MAX : (int)next;
}

static void reap(void *owner, uint32_t events) {
  struct signalfd_siginfo info;
  struct rusage usage;
  pid_t pid;
  int status;
  (void)owner, (void)events;
  while (read(signal_fd, &info, sizeof info) > 0) continue;
  while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
    struct process *process = find_by_pid(pid);
    /* Others are orphans of our processes: nobody waits for them. */
    if (process == NULL || process->has_exited) continue;
    process->has_exited = 1;
    process->status = status;
    process->usage = usage;
    if (!process->is_cancelled) finish(process);
  }
}

static void obey(const struct order *order) {
  struct process *process = find_by_id(order->id);
  if (process == NULL) return;
  if (order->type == ASKS_CANCEL) cancel(process, order->value);
  else if (order->type == ASKS_RELEASE) release_pipe(process);
  else if (order->type == ASKS_KILL && process->pid != 0 && !process->has_exited)
    kill(-process->pid, (int)order->value);
}

static void control_ready(void *owner, uint32_t events) {
  static char orders[64 * sizeof(struct order)];
  static size_t filled;
  (void)owner, (void)events;
  ssize_t got = recv(CONTROL, orders + filled, sizeof orders - filled, MSG_DONTWAIT);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) is_ending = 1;
  if (got <= 0) return;
  filled += (size_t)got;
  size_t at = 0;
  for (struct order order; at + sizeof order <= filled; at += sizeof order) {
    memcpy(&order, orders + at, sizeof order);
    obey(&order);
  }
  memmove(orders, orders + at, filled - at);
  filled -= at;
}

/* The server is gone: ends every group, then this program. Nobody is told any more. */
static void end_everything(void) {
  struct epoll_event event;
  is_ending = 1;
  unlink(socket_path);
  epoll_ctl(epoll_fd, EPOLL_CTL_DEL, CONTROL, NULL);
  if (is_accepting) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, listen_fd, NULL);
  for (size_t i = 0; i < BUCKETS; i++)
    for (struct process *process = by_id[i], *next; process != NULL; process = next) {
      next = process->next_by_id;
      cancel(process, SHUTDOWN_MS);
    }
  for (struct process *process = cancelled; process != NULL; process = process->next_cancelled)
    if (process->deadline_ms > now_ms() + SHUTDOWN_MS) process->deadline_ms = now_ms() + SHUTDOWN_MS;
  for (int timeout; (timeout = advance_cancelled()) >= 0;) {
    if (epoll_wait(epoll_fd, &event, 1, timeout) <= 0) continue;
    struct watch *watch = event.data.ptr;
    /* Stderr too: a process that cleans up must not wait for a reader. */
    watch->ready(watch->owner, event.events);
  }
}

static void open_everything(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  sigset_t child;
  int fd;
#ifdef SYS_close_range
  /* What the server was started with is no business of git's. */
  syscall(SYS_close_range, CONTROL + 1, ~0U, 0);
#endif
  while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= CONTROL) continue;
  null_fd = fd;
  if (null_fd < 0) die("/dev/null");
  if (fcntl(CONTROL, F_SETFD, FD_CLOEXEC) != 0) die("control connection");
  fcntl(CONTROL, F_SETFL, 0);
  signal(SIGPIPE, SIG_IGN);
  /* A stop of the whole service reaches us too, but the server may still need its processes. */
  signal(SIGHUP, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (signal_fd < 0 || epoll_fd < 0 || listen_fd < 0) die("descriptors");
  if (strlen(socket_path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    die(socket_path);
  }
  strcpy(address.sun_path, socket_path);
  unlink(socket_path);
  if (bind(listen_fd, (struct sockaddr *)&address, sizeof address) != 0) die(socket_path);
  if (listen(listen_fd, BACKLOG) != 0) die(socket_path);
}

int main(int argc, char **argv) {
  struct epoll_event event;
  if (argc != 2) {
    fprintf(stderr, "usage: spawn-helper SOCKET\n");
    return 129;
  }
  socket_path = argv[1];
  open_everything();
  listen_watch = (struct watch){accept_connections, NULL};
  signal_watch = (struct watch){reap, NULL};
  control_watch = (struct watch){control_ready, NULL};
  watch_fd(CONTROL, EPOLLIN, &control_watch);
  watch_fd(signal_fd, EPOLLIN, &signal_watch);
  accept_again();
  uint32_t abilities[1] = {CAN_PIPE};
  tell(SAYS_READY, PROTOCOL_VERSION, abilities, sizeof abilities, NULL, 0);
  while (!is_ending) {
    int timeout = advance_cancelled();
    if (!is_accepting && (timeout < 0 || timeout > ACCEPT_AGAIN_MS)) timeout = ACCEPT_AGAIN_MS;
    /* One at a time, since handling one may free what another points to. */
    int count = epoll_wait(epoll_fd, &event, 1, timeout);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    if (count == 0) accept_again();
    if (count <= 0) continue;
    struct watch *watch = event.data.ptr;
    watch->ready(watch->owner, event.events);
  }
  end_everything();
  return 0;
}
