"""How each tool is called from a running application: one module per tool.

A module is imported in the environment of its tool by :mod:`benchmarks.caller`. Its ``migrate``
applies what is pending, as the tool's manual shows it for an async application. A tool that can
only block is given a thread. What an application has anyway is imported with the module: the names
that it calls, and the drivers.
"""
