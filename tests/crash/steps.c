/*
 * Counts every call that changes a file, in all threads, and kills the process before one of them.
 *
 * Loaded before the C library, so that SQLite's calls are counted as well as Python's. The test
 * compares what is counted with what the kernel saw (strace).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long counted;
static atomic_long kill_at = -1; /* below 0: not counting yet */

void steps_arm(long at)
{
    atomic_store(&counted, 0);
    atomic_store(&kill_at, at);
}

long steps_counted(void)
{
    return atomic_load(&counted);
}

static void step(int fd)
{
    /* What is printed is no step. */
    if (fd >= 0 && fd <= 2)
        return;
    long at = atomic_load(&kill_at);
    if (at >= 0 && atomic_fetch_add(&counted, 1) + 1 == at) {
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
}

#define NEXT(name) static __typeof__(&name) next; if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t len) { NEXT(write); step(fd); return next(fd, data, len); }
ssize_t pwrite(int fd, const void *data, size_t len, off_t at) { NEXT(pwrite); step(fd); return next(fd, data, len, at); }
ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) { NEXT(pwrite64); step(fd); return next(fd, data, len, at); }
ssize_t writev(int fd, const struct iovec *parts, int len) { NEXT(writev); step(fd); return next(fd, parts, len); }
int fsync(int fd) { NEXT(fsync); step(fd); return next(fd); }
int fdatasync(int fd) { NEXT(fdatasync); step(fd); return next(fd); }
int ftruncate(int fd, off_t len) { NEXT(ftruncate); step(fd); return next(fd, len); }
int ftruncate64(int fd, off64_t len) { NEXT(ftruncate64); step(fd); return next(fd, len); }
int truncate(const char *path, off_t len) { NEXT(truncate); step(-1); return next(path, len); }
int truncate64(const char *path, off64_t len) { NEXT(truncate64); step(-1); return next(path, len); }
int fallocate(int fd, int mode, off_t at, off_t len) { NEXT(fallocate); step(fd); return next(fd, mode, at, len); }
int posix_fallocate(int fd, off_t at, off_t len) { NEXT(posix_fallocate); step(fd); return next(fd, at, len); }
int unlink(const char *path) { NEXT(unlink); step(-1); return next(path); }
int unlinkat(int dir, const char *path, int flags) { NEXT(unlinkat); step(-1); return next(dir, path, flags); }
int rename(const char *from, const char *to) { NEXT(rename); step(-1); return next(from, to); }
int renameat(int a, const char *from, int b, const char *to) { NEXT(renameat); step(-1); return next(a, from, b, to); }
int link(const char *from, const char *to) { NEXT(link); step(-1); return next(from, to); }
int linkat(int a, const char *from, int b, const char *to, int flags) { NEXT(linkat); step(-1); return next(a, from, b, to, flags); }
int utimensat(int dir, const char *path, const struct timespec times[2], int flags) { NEXT(utimensat); step(-1); return next(dir, path, times, flags); }
int futimens(int fd, const struct timespec times[2]) { NEXT(futimens); step(fd); return next(fd, times); }
