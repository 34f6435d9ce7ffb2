"""Sessions in files: written whole, read with distrust, found again by the content of the video.

A *saved session* is what a session was at one moment; a *session file* (``NAME.sam2.zip``) holds
one; *session.json* is the text in it.

- `saved_session`: `SavedSession`, the value, and the way back to its video
- `fingerprint`: `Fingerprint`, by which the video is known again
- `session_file`: reads and writes session files
- `session_json`: reads and writes the session.json in them, and checks what it says
- `session_schema`: of what types session.json is
- `safe_zip`: zip archives that may come from a stranger
- `autosave`: writes each edit to a session file by itself, and finds the file of a video
- `prompt_file`: prompts as a small JSON file, which people write
- `statistics`: counts of what sessions hold
"""
