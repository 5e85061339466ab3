"""The examples, each under uvicorn and asked over HTTP."""
