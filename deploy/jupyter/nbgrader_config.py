"""Where a class's assignments are exchanged; the hub names the folder in MMLAB_EXCHANGE."""

import os

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "mmlab"
c.Exchange.root = os.environ.get("MMLAB_EXCHANGE", "/srv/nbgrader/exchange")
