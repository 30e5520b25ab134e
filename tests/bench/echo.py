"""The least that can be served: a bare Flask application that answers the JSON it is sent."""

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.post("/<path:_>")
def echo(_: str) -> Response:
    return jsonify(request.get_json())
