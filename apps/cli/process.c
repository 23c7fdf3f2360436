#include "process.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MAX_WORDS = 64 };

static size_t split_words(char *text, char **words)
{
    size_t n = 0;
    char *rest = NULL;
    for (char *w = strtok_r(text, " ", &rest); w != NULL && n + 1 < MAX_WORDS;
         w = strtok_r(NULL, " ", &rest)) {
        words[n++] = w;
    }
    words[n] = NULL;
    return n;
}

static qn_status start(char *const *words, int in[2], int out[2], pid_t *pid, qn_error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    for (int i = 0; i < 2; i++) {
        posix_spawn_file_actions_addclose(&actions, in[i]);
        posix_spawn_file_actions_addclose(&actions, out[i]);
    }
    int failed = posix_spawnp(pid, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed == 0 ? QN_OK
                       : qni_fail(err, QN_IO, words[0], "\"%s\" cannot be started: %s", words[0],
                                  strerror(failed));
}

// Writes and reads side by side, so that neither side waits for the other for ever. A program that
// does not read its input is fine.
static qn_status talk(int to, int from, const char *input, qni_buf *output, qn_error *err)
{
    size_t left = strlen(input);
    struct pollfd fds[2] = {{.fd = from, .events = POLLIN}, {.fd = to, .events = POLLOUT}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            return qni_fail(err, QN_IO, "tool-command", "%s", strerror(errno));
        }
        if (fds[1].fd >= 0 && fds[1].revents != 0) {
            ssize_t n = left != 0 ? write(to, input, left) : 0;
            input += n > 0 ? n : 0;
            left -= n > 0 ? (size_t)n : 0;
            if (n <= 0 || left == 0) {
                close(to);
                fds[1].fd = -1;
            }
        }
        if (fds[0].revents != 0) {
            char piece[4096];
            ssize_t n = read(from, piece, sizeof piece);
            if (n <= 0) {
                break;
            }
            QNI_TRY(qni_buf_add(output, piece, (size_t)n, err));
        }
    }
    if (fds[1].fd >= 0) {
        close(to);
    }
    return QN_OK;
}

static qn_status finish(const char *name, pid_t pid, qn_error *err)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return QN_OK;
    }
    return qni_fail(err, QN_IO, name, "\"%s\" ended with %s %d", name,
                    WIFEXITED(status) ? "status" : "signal",
                    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static qn_status run_words(char *const *words, const char *input, qni_buf *output, qn_error *err)
{
    int in[2];
    int out[2];
    pid_t pid = 0;
    if (pipe(in) != 0) {
        return qni_fail(err, QN_IO, words[0], "%s", strerror(errno));
    }
    if (pipe(out) != 0) {
        close(in[0]);
        close(in[1]);
        return qni_fail(err, QN_IO, words[0], "%s", strerror(errno));
    }
    qn_status status = start(words, in, out, &pid, err);
    close(in[0]);
    close(out[1]);
    if (status == QN_OK) {
        void (*old)(int) = signal(SIGPIPE, SIG_IGN);
        status = talk(in[1], out[0], input, output, err);
        signal(SIGPIPE, old);
        close(out[0]);
        qn_status ended = finish(words[0], pid, status == QN_OK ? err : NULL);
        return status != QN_OK ? status : ended;
    }
    close(in[1]);
    close(out[0]);
    return status;
}

qn_status cli_run_program(const char *command, const char *input, char **output, qn_error *err)
{
    char *words[MAX_WORDS];
    char *copy = qni_strdup(command);
    qni_buf text;
    *output = NULL;
    if (copy == NULL) {
        return qni_fail_memory(err);
    }
    qni_buf_begin(&text, (size_t)16 << 20, "the output of a tool's program");
    qn_status status = split_words(copy, words) != 0
                           ? run_words(words, input, &text, err)
                           : qni_fail(err, QN_INVALID_ARGUMENT, "tool-command", "no program");
    status = status == QN_OK ? qni_buf_add_text(&text, "", err) : status;
    if (status == QN_OK) {
        while (text.size > 0 && text.data[text.size - 1] == '\n') {
            text.data[--text.size] = '\0';
        }
        *output = qni_buf_take(&text);
    }
    qni_buf_end(&text);
    qni_free(copy);
    return status;
}
