// Reads KQL with Microsoft's own parser and binder, and holds it to the house's rules.
//
// JSON, one value a line. The first line on stdin names the tables, each further one asks:
//   {tables: [{name, columns: [{name, type}]}]}
//   {queries: [{path, kql}]}
// and each question has one line on stdout:
//   {queries: [{path, diagnostics, columns, literals}]}
// A diagnostic is {line, column, code, message}, counted from 1. A code that starts with KS is
// Microsoft's; the others are the rules below. `columns` are the result's {name, type}. `literals` are
// the decoded values of the string literals, in the order they stand.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { GlobalState, KustoCode, Symbols, Syntax } = globalThis.Kusto.Language;

const TEXT = "string";
const TYPED = new Set(["bool", "datetime", "decimal", "guid", "int", "long", "real", "timespan"]);
const COMPARISONS = new Set([
  "EqualExpression", "NotEqualExpression", "LessThanExpression", "LessThanOrEqualExpression",
  "GreaterThanExpression", "GreaterThanOrEqualExpression", "InExpression", "NotInExpression",
]);
const BY_CASE = new Set(["EqualExpression", "NotEqualExpression", "InExpression", "NotInExpression"]);
const ROW_KEEPING = new Set([
  "ExtendOperator", "FilterOperator", "ParseOperator", "ProjectAwayOperator", "ProjectOperator",
  "ProjectRenameOperator", "ProjectReorderOperator", "SortOperator", "DistinctOperator",
  "ParseWhereOperator",
]);
const OUTSIDE_OPERATORS = new Set([
  "EvaluateOperator", "ExternalDataExpression", "FacetOperator", "FindOperator", "ForkOperator",
  "InvokeOperator", "MakeGraphOperator", "MakeSeriesOperator", "PartitionOperator",
  "ProjectKeepOperator", "ReduceByOperator", "RenderOperator", "SampleDistinctOperator",
  "SampleOperator", "ScanOperator", "SearchOperator", "SerializeOperator", "TopHittersOperator",
  "TopNestedOperator",
]);
const OUTSIDE_FUNCTIONS = new Set([
  "app", "cluster", "database", "ingestion_time", "materialized_view", "next", "prev", "resource",
  "row_cumsum", "row_number", "row_rank_dense", "row_rank_min", "row_window_session", "table",
  "workspace",
]);

const kindNames = new Map(Object.entries(Syntax.SyntaxKind).map(([name, number]) => [number, name]));
const kindOf = (element) => kindNames.get(element.Kind) ?? "";

function* children(element) {
  for (let index = 0; index < element.ChildCount; index += 1) {
    const child = element.GetChild(index);
    if (child) yield child;
  }
}

function* walk(element) {
  yield element;
  for (const child of children(element)) yield* walk(child);
}

function listOf(list) {
  return Array.from({ length: list?.Count ?? 0 }, (_, index) => list.getItem(index));
}

const namesIn = (element) =>
  new Set([...walk(element)].filter((node) => kindOf(node) === "NameReference").map((node) => node.SimpleName));

function globalsFor(tables) {
  const symbols = tables.map(({ name, columns }) => {
    const schema = columns.map((column) => `['${column.name}']: ${column.type}`).join(", ");
    return new Symbols.TableSymbol.$ctor7(name, `(${schema})`, "");
  });
  return GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("logs", symbols));
}

// Whether the rows of a tabular expression have a bound that its text states.
function isBounded(expression) {
  switch (kindOf(expression)) {
    case "ParenthesizedExpression":
      return isBounded(expression.Expression);
    case "PrintOperator":
    case "DataTableExpression":
      return true;
    case "PipeExpression": {
      const operator = expression.Operator;
      switch (kindOf(operator)) {
        case "TakeOperator":
        case "TopOperator":
        case "CountOperator":
          return true;
        case "SummarizeOperator":
          return !operator.ByClause;
        default:
          return ROW_KEEPING.has(kindOf(operator)) && isBounded(expression.Expression);
      }
    }
    default:
      return false;
  }
}

// The `where` operators applied to a table before any other operator can widen its rows.
function filtersAfter(reference) {
  const filters = [];
  let source = reference;
  while (kindOf(source.Parent) === "PipeExpression" && source.Parent.Expression === source) {
    source = source.Parent;
    if (kindOf(source.Operator) !== "FilterOperator") break;
    filters.push(namesIn(source.Operator));
  }
  return filters;
}

function typesIn(operand) {
  const compared = kindOf(operand) === "ExpressionList" ? [...walk(operand)] : [operand];
  return new Set(compared.map((node) => node.ResultType?.Name).filter(Boolean));
}

function mixesTypes(comparison) {
  const left = typesIn(comparison.Left);
  const right = typesIn(comparison.Right);
  const typed = (types) => [...types].some((type) => TYPED.has(type));
  return (left.has(TEXT) && typed(right)) || (right.has(TEXT) && typed(left));
}

function* houseRules(code, tables) {
  const statements = [...walk(code.Syntax)].filter((node) => kindOf(node) === "ExpressionStatement");
  const last = statements.at(-1);
  if (last && !isBounded(last.Expression)) {
    yield [last, "unbounded", "End with take, top, or a summarize without by: every answer has a bound."];
  }
  for (const node of walk(code.Syntax)) {
    const kind = kindOf(node);
    if (OUTSIDE_OPERATORS.has(kind)) {
      yield [node, "dialect", `${kind} is not in the dialect that both engines run.`];
    }
    if (kind === "FunctionCallExpression" && OUTSIDE_FUNCTIONS.has(node.Name.SimpleName)) {
      yield [node, "dialect", `${node.Name.SimpleName}() is not in the dialect that both engines run.`];
    }
    if (COMPARISONS.has(kind) && mixesTypes(node)) {
      yield [node, "mixed-types", "A string is compared with another type; convert one side first."];
    }
    if (kind === "NameReference" && node.SimpleName === "_ResourceId" && BY_CASE.has(kindOf(node.Parent))) {
      yield [node, "resource-id-case", "Compare _ResourceId with =~: Azure varies its case."];
    }
    if (kind === "NameReference" && tables.has(node.SimpleName)) {
      const filters = filtersAfter(node);
      const filtered = (...names) => filters.some((found) => names.every((name) => found.has(name)));
      if (!filtered("TimeGenerated", "window_start", "window_end")) {
        yield [node, "no-window", "Filter this table on TimeGenerated between window_start and window_end first."];
      }
      // A table whose resource is not the SignalR resource is declared without the column.
      if (tables.get(node.SimpleName).has("_ResourceId") && !filtered("_ResourceId", "resource_id")) {
        yield [node, "no-target", "Filter this table on resource_id before anything else."];
      }
    }
  }
}

function position(kql, offset) {
  const before = kql.slice(0, offset).split("\n");
  return { line: before.length, column: before.at(-1).length + 1 };
}

function check({ path, kql }, globals, tables) {
  const code = KustoCode.ParseAndAnalyze(kql, globals);
  const theirs = listOf(code.GetDiagnostics()).map((diagnostic) => ({
    ...position(kql, diagnostic.Start),
    code: diagnostic.Code,
    message: diagnostic.Message,
  }));
  const ours = [...houseRules(code, tables)].map(([node, rule, message]) => ({
    ...position(kql, node.TextStart),
    code: rule,
    message,
  }));
  const literals = [...walk(code.Syntax)]
    .filter((node) => /^(Compound)?StringLiteralExpression$/.test(kindOf(node)))
    .map((node) => node.LiteralValue);
  const columns = listOf(code.ResultType?.Columns).map(({ Name, Type }) => ({ name: Name, type: Type.Name }));
  return { path, diagnostics: [...theirs, ...ours], columns, literals };
}

let globals = GlobalState.Default;
let known = new Map();
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { tables, queries } = JSON.parse(line);
  if (tables) {
    globals = globalsFor(tables);
    known = new Map(tables.map(({ name, columns }) => [name, new Set(columns.map((column) => column.name))]));
  } else {
    const answers = queries.map((query) => check(query, globals, known));
    process.stdout.write(`${JSON.stringify({ queries: answers })}\n`);
  }
}
