/* Preloaded under the store: the nth sync of the process, and every one after it, fails or ends the process.
   STORE_CRASH_SYNC_AT is n; STORE_CRASH_SYNC_HOW is "fail" or "end". */

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long count;

static int hit(void) {
    const char *at = getenv("STORE_CRASH_SYNC_AT");
    const char *how = getenv("STORE_CRASH_SYNC_HOW");
    if (!at || !how || atomic_fetch_add(&count, 1) + 1 < atol(at)) {
        return 0;
    }
    if (strcmp(how, "end") == 0) {
        _exit(9);
    }
    errno = EIO;
    return 1;
}

int fsync(int fd) {
    return hit() ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
    return hit() ? -1 : (int)syscall(SYS_fdatasync, fd);
}
