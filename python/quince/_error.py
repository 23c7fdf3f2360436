"""The exception of the package."""


class Error(RuntimeError):
    """What the library refused, and why.

    Attributes:
        status: the stable name of the kind of failure, such as "invalid_model" or "unsupported"
            (include/quince/status.h lists them).
        message: one line that names what was given and what is allowed.
        where: the file, operation or field that the message is about; may be empty.
    """

    def __init__(self, status, message, where=""):
        super().__init__(status, message, where)
        self.status = status
        self.message = message
        self.where = where

    def __str__(self):
        return self.message if not self.where or self.where in self.message else f"{self.where}: {self.message}"
