"""The application for any WSGI server, configured by the environment: ``granian wsgi:app`` …"""

from service import logs
from service.http.app import create_app
from service.proofs.rounds import require_policy
from service.release import announce_everywhere
from service.settings import Settings

settings = Settings.from_environment()
require_policy(settings)
logs.configure(settings.log_level)
app = create_app(settings)
announce_everywhere(app.engine)
