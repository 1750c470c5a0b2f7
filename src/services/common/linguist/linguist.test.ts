import assert from "node:assert/strict";
import { test } from "node:test";
import { Linguist } from "./linguist.ts";

const linguist = new Linguist();

test("detect knows languages by name, ending and content", () => {
  const cases: [path: string, content: string, language: string | undefined][] = [
    ["a.rb", "", "Ruby"],
    ["Makefile", "", "Makefile"],
    ["dir/Gemfile", "", "Ruby"],
    ["a.GO", "", "Go"],
    ["a.d.ts", "export {};\n", "TypeScript"],
    ["a.ts", '<?xml version="1.0"?>\n<TS version="2.1">\n', "XML"],
    ["a.h", "#import <Foundation/Foundation.h>\n@interface A : B\n@end\n", "Objective-C"],
    ["a.h", "class A { public: A(); };\n", "C++"],
    ["a.h", "int a(void);\n", "C"],
    ["script", "#!/usr/bin/env -S FOO=1 python3.12\n", "Python"],
    ["script", '#!/bin/sh\nexec wish "$0" "$@"\n', "Tcl"],
    ["script", "#!/bin/sh\n", "Shell"],
    ["any", "-*- mode: ruby; coding: utf-8 -*-\n", "Ruby"],
    ["any", "-*- c++ -*-\n", "C++"],
    ["any", "1\n# vim: set ft=perl :\n", "Perl"],
    ["any", "# vim: set ft=perl syntax=ruby :\n", undefined],
    ["any", '<?xml version="1.0"?>\n', "XML"],
    ["git.1", ".TH GIT 1\n.SH NAME\n", "Roff Manpage"],
    ["a.cfg", "/* -*- Mode: C++; indent-tabs-mode: nil -*- */\n[a]\nb = 1\n", "INI"],
    ["a.s", "\tmove.l d0, -(sp)\n\tbsr.s init\n\trts\n", "Motorola 68K Assembly"],
    ["a.tmpl", "{{ .Name }}\n", "Go Template"],
    ["a.rb", "\0", undefined],
    ["unknown", "text\n", undefined],
    ["a.unknown", "", undefined],
  ];
  for (const [path, content, language] of cases) {
    assert.equal(linguist.detect(path, content), language, `${path}: ${content}`);
  }
});

test("languages have aliases, colours and paths that don't count", () => {
  assert.equal(linguist.languageOf("omnetpp-msg"), "OMNeT++ MSG");
  assert.equal(linguist.languageOf("RUBY"), "Ruby");
  assert.equal(linguist.languageOf("nothing"), undefined);
  assert.equal(linguist.entry("constructor"), undefined);
  assert.equal(linguist.colorOf("C"), "#555555");
  assert.match(linguist.colorOf("Nothing"), /^#[0-9a-f]{6}$/);
  for (const path of ["vendor/a.c", "a/node_modules/b.js", "jquery.js"]) {
    assert.ok(linguist.isVendored(path), path);
  }
  assert.ok(!linguist.isVendored("src/a.c"));
  for (const path of ["docs/a.md", "README.md", "a/CHANGELOG"]) {
    assert.ok(linguist.isDocumentation(path), path);
  }
  assert.ok(!linguist.isDocumentation("src/a.c"));
});

test("detect isn't kept busy by hostile content", () => {
  for (const part of [
    "\t",
    "vi",
    "-*-",
    "exec a",
    "mode ",
    "* ",
    "(",
    "{ ",
    "/*",
    "(* ",
    "<a ",
    "#!/a ",
    "'",
  ]) {
    for (const path of ["a.h", "a.m", "a.pl", "a.md", "a.s", "a"]) {
      linguist.detect(path, part.repeat(16_384 / part.length));
      linguist.detect(path, `#!${part.repeat(16_000 / part.length)}`);
    }
  }
});
