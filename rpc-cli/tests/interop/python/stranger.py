"""Parses a package that was generated from a description that means harm: all of that is text."""

import ast
import pathlib
import sys

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    ran = names & {"__import__", "exec"}
    print(f"not ok {path.name}: {ran}" if ran else f"ok {path.name} runs nothing of it")
    docs = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, DOCUMENTED)]
    prompts = [doc for doc in docs if doc and ">>>" in doc]
    print(f"not ok {path.name}: {prompts}" if prompts else f"ok {path.name} has no prompts")
    if path.name == "types.py":
        texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        held = sum(isinstance(text, str) and "__import__" in text for text in texts)
        print(f"ok {held} texts hold it" if held > 20 else f"not ok only {held} texts hold it")
